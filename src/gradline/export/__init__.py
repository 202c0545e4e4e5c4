"""A fit in the languages of other programs: SQL and ONNX."""
