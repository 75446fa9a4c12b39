"""ONNX Runtime: CPU, CUDA and TensorRT as execution providers of one session."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import EngineError, ModelError
from pipeline.engines.base import Choice, Feeds, TensorSpec, run_in_batches

__all__ = ["OrtEngine"]

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(int64)": "int64"}


class OrtEngine:
    """An ONNX file in an ONNX Runtime session; sessions are thread-safe.

    Args:
        session: The session to run.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self.outputs = tuple(_spec(node) for node in session.get_outputs())
        self._output_names = [spec.name for spec in self.outputs]

    @classmethod
    def open(cls, path: Path, choice: Choice) -> Self:
        """Return the network in a file, on the chosen provider.

        Raises:
            ModelError: The file cannot be loaded.
            EngineError: The provider did not load.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = choice.threads
        options.inter_op_num_threads = 1
        # 3: errors only; its warnings about constant folding say nothing to a user.
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                path, sess_options=options, providers=_providers(choice)
            )
        except Exception as error:
            # The runtime's exceptions have no common base but Exception.
            raise ModelError(f"ONNX Runtime cannot load {path.name}: {error}.") from error
        if choice.provider not in session.get_providers():
            raise EngineError(
                f"{choice.provider} did not load; ONNX Runtime would use "
                f"{', '.join(session.get_providers())}.",
                "Check the CUDA installation with: python app.py doctor",
            )
        return cls(session)

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name."""
        return run_in_batches(self._run, feeds)

    def _run(self, feeds: Feeds) -> dict[str, NDArray]:
        arrays = {name: np.ascontiguousarray(feed) for name, feed in feeds.items()}
        outputs = self._session.run(self._output_names, arrays)
        return dict(zip(self._output_names, outputs, strict=True))


def _providers(choice: Choice) -> list[str]:
    """The chosen provider, and those it hands unsupported nodes to."""
    chain = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    return chain[chain.index(choice.provider) :]


def _spec(node: onnxruntime.NodeArg) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) else None for side in node.shape)
    return TensorSpec(node.name, _DTYPES.get(node.type, node.type), shape)
