"""Long-video question answering: what lmms-eval's runs with and without frame selection say, and how sure that is."""
