# syntax=docker/dockerfile:1
# The image of web, workers, beat and the one-shot migration. The database and Redis are images of their own
# (docker-compose.yml); the embedded ones in the wheels are not used here.

FROM python:3.12.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /opt/venv
COPY requirements.txt ./
RUN /opt/venv/bin/python -m pip install --require-hashes --no-deps -r requirements.txt
COPY . .
RUN /opt/venv/bin/python tools/messages.py compile \
    && /opt/venv/bin/python -m compileall -q . /opt/venv/lib

FROM python:3.12.11-slim-bookworm AS run
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin backoffice \
    && install -d -o 10001 -g 10001 -m 0750 /data /checkpoints
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BACKOFFICE_DATA_DIR=/data \
    BACKOFFICE_CHECKPOINT_DIR=/checkpoints \
    BACKOFFICE_PORT=8000
WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "backoffice.servers.probe"]
CMD ["python", "-m", "backoffice.servers.run", "web", "--host", "0.0.0.0"]
