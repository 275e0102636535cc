"""An RTSP camera on loopback by Debian's gst-rtsp-server: rtsp_server.py PORT WIDTH HEIGHT FPS.

Run it with the system's Python, whose python3-gi it needs. It serves rtsp://127.0.0.1:PORT/camera as JPEG and
prints one line once it listens.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
port, width, height, fps = sys.argv[1:]
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(
    f"( videotestsrc is-live=true ! video/x-raw,format=I420,width={width},height={height},"
    f"framerate={fps}/1 "
    "! jpegenc ! rtpjpegpay name=pay0 )"
)
factory.set_shared(True)
server.get_mount_points().add_factory("/camera", factory)
if not server.attach(None):
    sys.exit(f"cannot listen on port {port}")
print("listening", flush=True)
GLib.MainLoop().run()
