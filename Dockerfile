# The app on a CPU. Build: docker build -t spotter .   Run: docker run --rm -p 7860:7860 spotter
FROM python:3.11-slim

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
USER spotter

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py"]
