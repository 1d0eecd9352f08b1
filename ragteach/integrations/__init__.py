"""Integrations: what the ecosystem expects: scikit-learn, heads, saving, ONNX, serving, PEFT,
tracking.
"""
