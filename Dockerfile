# Two stages: hashes are checked and wheels made in the first, the second has no cache.
# IMAGE_REGISTRY is a prefix with its slash, for networks that do not reach the default registry.
ARG IMAGE_REGISTRY=
FROM ${IMAGE_REGISTRY}python:3.11-slim AS build
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# The lock holds the tools of development too; all are checked here, and only the server's are installed.
COPY requirements.lock .
RUN pip wheel --quiet --require-hashes -w /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY scoring scoring
COPY models models
COPY backend backend
RUN pip wheel --quiet --no-deps -w /wheels . \
 && python -m venv /opt/tanhui \
 && /opt/tanhui/bin/pip install --quiet --no-index --find-links /wheels "tanhui[server]"

FROM ${IMAGE_REGISTRY}python:3.11-slim
COPY --from=build /opt/tanhui /opt/tanhui
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tanhui \
 && install -d -o 10001 -g 10001 /var/lib/tanhui
# The root file system may be read-only: only /tmp and /var/lib/tanhui are written.
ENV PATH=/opt/tanhui/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TANHUI_DATA_DIR=/var/lib/tanhui
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["tanhui"]
CMD ["api"]
