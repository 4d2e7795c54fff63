"""The test focus: plays Jicofo's part towards one bridge, and signals to the test page in its place.

Written from the protocol's description alone; it shares no parser or writer with the bridge, so that a misreading on one
side is not answered by the same misreading on the other.
"""
