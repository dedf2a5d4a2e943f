"""Adapters that run inside a consumer: vLLM, SGLang, qwen-vl-utils, transformers, OpenAI-compatible clients.

Importing one imports neither the consumer nor torch and changes nothing; ``register()`` and ``patch()`` do.
"""
