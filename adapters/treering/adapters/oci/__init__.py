"""OCI image layouts, and the archives that `docker save`, podman and skopeo write.

Reads only: nothing is extracted, nothing is written, no process is started.
"""
