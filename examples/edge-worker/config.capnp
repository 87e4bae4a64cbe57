using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [ (name = "decode", worker = .worker) ],
  sockets = [ (name = "http", address = "127.0.0.1:8787", http = (), service = "decode") ],
);

const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "out/worker.js"),
    (name = "nano-decoder.bin", data = embed "out/nano-decoder.bin"),
    (name = "taesd.wasm", wasm = embed "out/taesd.wasm"),
  ],
  compatibilityDate = "2026-11-01",
  # A client that disconnects ends the work for its request.
  compatibilityFlags = ["enable_request_signal"],
);
