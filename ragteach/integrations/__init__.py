"""Integrations: scikit-learn, saving, ONNX, serving, PEFT, tracking."""
