# The app. What people label lies in a volume, else it goes with the container.
# On a CPU. Build: docker build -t spotter .
# Run: docker run --rm -p 7860:7860 -v spotter-projects:/home/spotter/spotter-projects spotter
# On an NVIDIA GPU. Build: docker build --target gpu -t spotter-gpu .
# Run: docker run --rm --gpus all -p 7860:7860 -v spotter-cache:/home/spotter/.cache \
#          -v spotter-projects:/home/spotter/spotter-projects spotter-gpu
FROM nvidia/cuda:13.0.1-base-ubuntu24.04 AS gpu

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_OFFLINE=1 \
    NO_ALBUMENTATIONS_UPDATE=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PATH=/opt/spotter/bin:$PATH

RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/spotter
# The image has a user 1000 already, who owns nothing.
RUN userdel --remove ubuntu && useradd --create-home --uid 1000 spotter
WORKDIR /home/spotter/app

# CUDA, cuDNN and TensorRT come as Python packages, in the versions that ONNX Runtime is linked to.
COPY requirements-gpu.txt .
RUN pip install -r requirements-gpu.txt

COPY --chown=spotter:spotter . .
# Volumes take their owner from what they are mounted on: compiled engines, and projects.
RUN install --directory --owner=spotter --group=spotter \
    /home/spotter/.cache /home/spotter/spotter-projects
USER spotter

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]

# On a CPU: the stage that is built without --target.
FROM python:3.11-slim AS cpu

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_OFFLINE=1 \
    NO_ALBUMENTATIONS_UPDATE=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860

# Spaces run containers as user 1000; the page keeps its uploads below this user's home.
RUN useradd --create-home --uid 1000 spotter
WORKDIR /home/spotter/app

COPY requirements.txt .
RUN pip install -r requirements.txt

COPY --chown=spotter:spotter . .
# A volume takes its owner from what it is mounted on.
RUN install --directory --owner=spotter --group=spotter /home/spotter/spotter-projects
USER spotter

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]
