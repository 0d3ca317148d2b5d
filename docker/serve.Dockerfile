# The local page and HTTP endpoint, on the CPU, with the trained network that comes with the package:
#
#   docker build -f docker/serve.Dockerfile -t kerasal-serve .
#   docker run --rm -p 127.0.0.1:8000:8000 kerasal-serve
#
# and http://localhost:8000/ shows it. It asks nobody for a password, and answers by the name localhost and by address.
# A run of your own: docker run ... -v "$PWD/runs:/work/runs:ro" kerasal-serve runs/first
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir '/src[serve]' && rm -r /src && useradd --create-home kerasal
USER kerasal
WORKDIR /work
EXPOSE 8000
ENTRYPOINT ["kerasal", "serve", "--host", "0.0.0.0", "--port", "8000"]
