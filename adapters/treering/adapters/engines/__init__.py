"""Container engines: Docker Engine, and Podman through its Docker-compatible socket."""
