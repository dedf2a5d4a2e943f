"""The CLaMR model in Hugging Face form; importing this registers it with transformers' Auto classes."""

from __future__ import annotations

from transformers import AutoConfig, AutoModel, AutoProcessor

from clamr_select.model.configuration_clamr import ClamrConfig
from clamr_select.model.modeling_clamr import ClamrForRetrieval
from clamr_select.model.processing_clamr import ClamrProcessor

AutoConfig.register(ClamrConfig.model_type, ClamrConfig, exist_ok=True)
AutoModel.register(ClamrConfig, ClamrForRetrieval, exist_ok=True)
AutoProcessor.register(ClamrConfig, ClamrProcessor, exist_ok=True)

__all__ = ["ClamrConfig", "ClamrForRetrieval", "ClamrProcessor"]
