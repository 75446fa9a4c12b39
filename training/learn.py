"""Learn from a corrected project: fine-tune both networks, measure before and after.

    python -m training.learn --project PROJECT --run PROJECT/runs/NAME --max-minutes 15

Pictures of the project are mixed with synthetic scenes (`--scenes`, a cache of
``training.scenes``; `--crops`, of ``training.crops``; else small ones of the shipped gallery, made
once), so that nothing is forgotten. Held-out pictures of the project are never trained on; the
figures before and after are theirs. Writes into the run's folder `status.json` and
`detector/log.jsonl` as it goes, at the end `model/`, `reranker-model/` and `metrics.json`. A file
`stop` ends it early; `--resume` continues with the same settings and held-out pictures.
"""

from __future__ import annotations

import contextlib
import copy
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from core.errors import Cancelled, DataError, ModelError, SpotterError
from core.files import read_json, sha256_of, write_bytes, write_json
from core.image import read_image
from core.memory import keep_freed_memory
from dataset.record import Record
from pipeline.cache import cache_folder, make_cached
from pipeline.catalog import MODELS_PATH
from pipeline.config import DetectConfig, LocateConfig
from project.learning import STOP_NAME, models_at_start, process_note, project_config
from project.store import Project
from training.detector import (
    EMA_DECAY,
    TrainOptions,
    learning_rate_at,
    load_model,
    load_state,
    report,
    save_state,
    train_step,
)
from training.detector_data import BatchFeed
from training.evaluate_detector import evaluate, open_detectors
from training.export_detector import export_detector
from training.learn_data import (
    Divided,
    cache_scenes,
    divide_project,
    fingerprint,
    keep_division,
    mix_scenes,
)
from training.learn_options import CONFIG_NAME, LearnOptions, parse
from training.learn_synthetic import make_default_crops, make_default_scenes
from training.optimize import make_optimizer, update_average
from training.scenes import CachedScene, read_scenes

__all__ = ["LearnOptions", "learn", "main"]

_REPORT_STEPS = 10
_SAVE_EVERY_S = 60.0


class Reporter:
    """Writes what a run does for those who watch, and tells when it shall stop.

    Args:
        run: Folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self._run = run

    def say(self, phase: str, progress: float, left_s: float | None = None) -> None:
        """Write the status.

        Raises:
            Cancelled: Somebody asked to stop.
        """
        self._write("running", phase, progress, left_s, "")
        if self.stopped:
            raise Cancelled("the run was stopped.", "Continue it with --resume.")

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return (self._run / STOP_NAME).exists()

    def end(self, state: str, phase: str, progress: float, message: str = "") -> None:
        """Write the last status."""
        self._write(state, phase, progress, None, message)

    def _write(
        self, state: str, phase: str, progress: float, left_s: float | None, message: str
    ) -> None:
        status = {
            "state": state, "phase": phase, "progress": round(progress, 4), "left_s": left_s,
            "message": message, **process_note(),
        }  # fmt: skip
        write_bytes(self._run / "status.json", json.dumps(status).encode())


def learn(project: Project, run: Path, options: LearnOptions, *, resume: bool = False) -> dict:
    """Return the figures before and after, once the new model lies in `run/model`.

    Args:
        project: Its done images are learnt from; read at the start alone.
        run: Folder of the run, made if missing.
        options: All settings.
        resume: Continue what lies in the folder; the minutes already spent count.

    Raises:
        DataError: The project has too few done images.
        Cancelled: The file `stop` appeared; what was learnt is kept.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    run.mkdir(parents=True, exist_ok=True)
    reporter = Reporter(run)
    start = time.monotonic()
    reporter.say("reading the project", 0.0)
    divided = keep_division(divide_project(project), run / "divided.json", resume=resume)
    write_json(run / CONFIG_NAME, asdict(options))
    # A continued run has those it began with, also where others are in use by now.
    config = project_config(project, models=models_at_start(project, run, resume=resume))
    init = Path(options.init) if options.init else initial_weights(config)
    # Boxes as the product finds them: only the model is another one.
    before = measure_before(run, init, config.detect, divided, reporter, options)
    own = cache_scenes(divided.train, run / "scenes")
    synthetic = synthetic_scenes(options, reporter)
    scenes = mix_scenes(own, synthetic, options.synthetic_ratio)
    weights, steps = fine_tune(run / "detector", scenes, init, options, reporter, resume=resume)
    reporter.say("exporting", 0.74)
    export_detector(weights, out=run / "model")
    reranker = teach_reranker(config, divided, run, options, reporter, resume=resume)
    after = measure(run / "model", config.detect, divided, options.threads, reporter, "after")
    metrics = {
        "before": before,
        "after": after,
        "reranker": reranker,
        "train_images": len(divided.train),
        "train_boxes": sum(len(record) for record in divided.train),
        "synthetic_scenes": len(synthetic),
        "steps": steps,
        "crops": steps * options.batch_size,
        "minutes": round((time.monotonic() - start) / 60, 2),
        "cpu_minutes": round(time.process_time() / 60, 2),
        "options": asdict(options),
    }
    write_json(run / "metrics.json", metrics)
    gain = after["ap50"] - before["ap50"]
    message = f"AP50 {before['ap50']:.3f} before, {after['ap50']:.3f} after ({gain:+.3f})."
    reporter.end("finished", "finished", 1.0, message)
    return metrics


def synthetic_scenes(options: LearnOptions, reporter: Reporter) -> list[CachedScene]:
    """Those that were named, else a few of the shipped gallery; none where none are wished."""
    if options.synthetic_ratio <= 0:
        return []
    if options.scenes:
        return read_scenes(Path(options.scenes))
    return read_scenes(
        make_default_scenes(
            _cache(options), lambda share: reporter.say("making synthetic scenes", 0.09)
        )
    )


def _cache(options: LearnOptions) -> Path:
    return Path(options.cache) if options.cache else make_cached(cache_folder("synthetic"))


def teach_reranker(
    config: LocateConfig,
    divided: Divided,
    run: Path,
    options: LearnOptions,
    reporter: Reporter,
    *,
    resume: bool,
) -> dict[str, object]:
    """What came of fine-tuning the reranker on the project's captions.

    Raises:
        Cancelled: Somebody asked to stop; its checkpoint is kept.
    """
    if options.reranker_ratio <= 0:
        return {"left_out": "not wished"}
    # Here, because the detector learns without the packages of the reranker.
    from training.learn_reranker import RerankerOptions, learn_reranker

    said = [0.0]

    def keep_going(progress: float) -> bool:
        if time.monotonic() - said[0] > 1:
            said[0] = time.monotonic()
            with contextlib.suppress(Cancelled):  # told by the answer: the checkpoint comes first
                reporter.say("training the reranker", 0.75 + 0.15 * progress)
        return not reporter.stopped

    upscaler = _model_folder(config.upscale.model) / "upscaler.onnx"

    def crops() -> Path | None:
        if options.synthetic_ratio <= 0:
            return None
        if options.crops:
            return Path(options.crops)
        return make_default_crops(
            _cache(options), upscaler, lambda share: reporter.say("making synthetic crops", 0.75)
        )

    settings = RerankerOptions(
        start=_model_folder(config.rerank.model),
        minutes=options.max_minutes * options.reranker_ratio,
        max_steps=options.max_steps,
        crops=crops,
        upscaler=upscaler,
        threads=options.threads,
        seed=options.seed,
    )
    told = learn_reranker(divided, run, settings, keep_going, resume=resume)
    reporter.say("trained the reranker", 0.9)
    return told


def _model_folder(model: str) -> Path:
    return Path(model) if Path(model).is_dir() else MODELS_PATH / model


def initial_weights(config: LocateConfig) -> Path:
    """The weights behind a detector.

    Raises:
        ModelError: They are not there: the model is one that this cannot train.
    """
    model = config.detect.model
    path = _model_folder(model) / "detector.safetensors"
    if not path.is_file():
        raise ModelError(
            f"{model} has no detector.safetensors, so it cannot be trained further.",
            "Use spotter-detector-n, or give weights of it with --init.",
        )
    return path


def measure_before(
    run: Path,
    init: Path,
    settings: DetectConfig,
    divided: Divided,
    reporter: Reporter,
    options: LearnOptions,
) -> dict[str, float]:
    """Figures of the model to begin with; kept while they would be found the same way."""
    kept = run / "before.json"
    now = {
        "init": sha256_of(init),
        "held_out": fingerprint(divided.held_out),
        "detect": settings.model_dump(mode="json", exclude={"model"}),
    }
    with contextlib.suppress(DataError):
        told = read_json(kept)
        if isinstance(told, dict) and told.get("found_with") == now:
            return dict(told["figures"])
    graph = init.parent / "detector.onnx"
    if not graph.is_file():
        reporter.say("exporting the first model", 0.01)
        graph = export_detector(init, out=run / "before")
    figures = measure(graph, settings, divided, options.threads, reporter, "before")
    write_json(kept, {"found_with": now, "figures": figures})
    return figures


def measure(
    model: Path,
    settings: DetectConfig,
    divided: Divided,
    threads: int,
    reporter: Reporter,
    when: str,
) -> dict[str, float]:
    """Figures of a model on the held-out images, as the product finds boxes with its settings."""
    base, share = (0.02, 0.06) if when == "before" else (0.93, 0.06)
    total = len(divided.held_out)

    def reading(number: int, record: Record) -> np.ndarray:
        reporter.say(f"measuring {when}", base + share * number / total)
        return read_image(record.path)

    detectors = open_detectors(model, settings, threads)
    images = [lambda n=n, r=r: reading(n, r) for n, r in enumerate(divided.held_out)]
    truths = [record.xyxy for record in divided.held_out]
    figures, _ = evaluate(*detectors, images, truths)
    return figures


def fine_tune(
    out: Path,
    scenes: Sequence[CachedScene],
    init: Path,
    options: LearnOptions,
    reporter: Reporter,
    *,
    resume: bool,
) -> tuple[Path, int]:
    """The path of the averaged weights after training, and the number of steps.

    Raises:
        Cancelled: Somebody asked to stop; `state.pt` is kept.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = TrainOptions(
        max_minutes=options.max_minutes,
        max_steps=options.max_steps,
        batch_size=options.batch_size,
        crop_wh=options.crop_wh,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        threads=options.threads,
    )
    model = load_model(load_file(init)).train()
    ema = copy.deepcopy(model).eval()
    optimizer = make_optimizer(
        model,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        kind=options.optimizer,
    )
    step, spent_s = 0, 0.0
    if resume and (out / "state.pt").is_file():
        step, spent_s = load_state(out, model, ema, optimizer)
    feed = BatchFeed(
        scenes, crop_wh=options.crop_wh, batch_size=options.batch_size, seed=options.seed + step
    )
    start = saved = time.monotonic() - spent_s
    recent: list[np.ndarray] = []
    device = torch.device("cpu")
    try:
        while (progress := _progress(step, time.monotonic() - start, options)) < 1:
            rate = learning_rate_at(step, progress, options.learning_rate)
            optimizer.set_rate(rate)
            recent.append(train_step(model, optimizer, feed.next(), device))
            step += 1
            update_average(ema, model, step, EMA_DECAY)
            passed_s = time.monotonic() - start
            if step % _REPORT_STEPS == 0 or reporter.stopped:
                report(out, step, progress, passed_s, rate, recent, settings)
                recent.clear()
                left_s = passed_s * (1 - progress) / max(progress, 1e-6)
                reporter.say("training the detector", 0.1 + 0.63 * progress, round(left_s))
            if time.monotonic() - saved > _SAVE_EVERY_S:
                saved = time.monotonic()
                save_state(out, model, ema, optimizer, step, passed_s)
    finally:
        feed.close()
        save_state(out, model, ema, optimizer, step, time.monotonic() - start)
    return out / "weights.safetensors", step


def _progress(step: int, passed_s: float, options: LearnOptions) -> float:
    if options.max_steps:
        return step / options.max_steps
    return passed_s / (options.max_minutes * (1 - options.reranker_ratio) * 60)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, learn, and return the exit code."""
    keep_freed_memory()
    request = parse(argv, __doc__.split("\n")[0])
    reporter = Reporter(request.run)
    try:
        with Project.open(request.project) as project:
            metrics = learn(project, request.run, request.options(), resume=request.resume)
    except Cancelled as error:
        reporter.end("stopped", "stopped", 0.0, error.message)
        return 0
    except SpotterError as error:
        reporter.end("failed", "failed", 0.0, str(error))
        print(error)
        return 2
    except Exception as error:
        reporter.end("failed", "failed", 0.0, f"internal error: {error!r}")
        traceback.print_exc()
        return 1
    print(json.dumps({key: metrics[key] for key in ("before", "after", "minutes")}, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
