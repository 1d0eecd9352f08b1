"""Integrations: scikit-learn, heads, saving, ONNX, serving, PEFT, tracking."""
