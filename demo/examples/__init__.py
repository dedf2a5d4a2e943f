"""Two example videos, made by this machine without a download."""

from clamr_select.demo.examples.library import Example, ExampleQuestion, load_examples

__all__ = ["Example", "ExampleQuestion", "load_examples"]
