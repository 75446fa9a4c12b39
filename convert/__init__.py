"""Public checkpoints in, ONNX folders out: done once, before anything is located.

The only package beside training/ that needs PyTorch. `convert.job.prepare` is the entry; one module
per kind of checkpoint is behind it. The pipeline reads what it writes and never imports it.
"""
