"""The settings of the JupyterLab that make lab starts; each says why it is there."""

c = get_config()  # noqa: F821 (Jupyter provides it)

# The checkout is the root, so that the code is in reach; the page that opens is the first lesson.
c.ServerApp.root_dir = "."
c.LabApp.default_url = "/lab/tree/my_course/00_start_here.ipynb"
c.ServerApp.ip = "localhost"

# Warnings only: what a learner must read is the address.
c.ServerApp.log_level = "WARN"
c.LabApp.log_level = "WARN"

# Server and kernel talk over local TCP ports, which other users of the machine can reach: encrypt.
c.KernelManager.transport_encryption = "auto"

# Pings find out that a far browser has gone; this one is on the same machine, where the socket
# tells.
# (Jupyter Server counts them in milliseconds, tornado reads seconds and warns at the first kernel.)
c.ServerApp.tornado_settings = {"ws_ping_interval": 0}
