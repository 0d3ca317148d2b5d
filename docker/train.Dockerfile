# Training on an NVIDIA GPU. CUDA comes from Python packages, so that the host needs its driver and NVIDIA's
# container toolkit alone:
#
#   docker build -f docker/train.Dockerfile -t kerasal-train .
#   docker run --gpus all -v "$PWD:/work" kerasal-train --loss kld+cc+nss --data my_folder
#
# Runs are written to runs/ of the mounted folder, and features kept in its .cache/.
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir '/src[gpu]' && rm -r /src
ENV KERASAL_CACHE=/work/.cache
WORKDIR /work
ENTRYPOINT ["kerasal", "train"]
