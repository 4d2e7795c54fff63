"""The table of test_gcc_links for an estimator that is not ours: aiortc's port of the receive-side Google congestion
control (abs-send-time in, REMB out). Same link model (tests/support/link.c through ctypes), same media, same figures.

    reference.py LIBLINK SEEDS

Not a test: nothing of ours depends on how it does. It has no probes and no loss-based part, so it tells what such an
estimator makes of these links, not what libwebrtc's sender would."""
import ctypes
import random
import sys

from aiortc.rate import RemoteBitrateEstimator

WIRE_BYTES, PACKET, FRAME_US, START_US = 38, 1150, 33333, 1_000_000
START_BPS, MIN_BPS, MAX_BPS = 2_500_000, 30_000, 20_000_000
SETTLING_S, STEADY_S, STEP_S = 10, 60, 40
STEADY = [("0.3 Mbit/s", 0.3, 0), ("1 Mbit/s", 1, 0), ("3 Mbit/s", 3, 0), ("10 Mbit/s", 10, 0),
          ("0.5 Mbit/s, 10 % lost", 0.5, 0.1), ("1 Mbit/s, 10 % lost", 1, 0.1), ("3 Mbit/s, 10 % lost", 3, 0.1),
          ("10 Mbit/s, 10 % lost", 10, 0.1)]


class Config(ctypes.Structure):
    _fields_ = [("capacity_bps", ctypes.c_uint64), ("delay_us", ctypes.c_uint64), ("jitter_us", ctypes.c_uint64),
                ("queue_ms", ctypes.c_uint64), ("loss", ctypes.c_double), ("seed", ctypes.c_uint64)]


class Packet(ctypes.Structure):
    _fields_ = [("sent_us", ctypes.c_uint64), ("len_bytes", ctypes.c_uint32), ("tag", ctypes.c_uint64)]


class Call:
    """One sender that follows the last REMB, one receiver, one link between them."""

    def __init__(self, lib, mbps, loss, seed):
        self.lib, self.random = lib, random.Random(seed)
        self.config = Config(int(mbps * 1e6), 25000, 2000, 500, loss, seed)
        self.link = ctypes.c_void_p(lib.link_new(ctypes.byref(self.config)))
        self.now_us, self.estimate = START_US, START_BPS
        self.estimator = RemoteBitrateEstimator()
        self.estimator.rate_control.set_estimate(START_BPS, self.now_us // 1000)
        self.air, self.rembs = [], []
        self.next_frame_us = self.next_packet_us = START_US
        self.frame_left = 0
        self.count_anew()

    def close(self):
        self.lib.link_free(self.link)

    def count_anew(self):
        self.delivered, self.delays_ms = 0, []

    def set_capacity(self, bps):
        self.lib.link_set_capacity(self.link, ctypes.c_uint64(bps), ctypes.c_uint64(self.now_us))

    def send(self):
        if self.now_us >= self.next_frame_us:
            self.frame_left += int(self.estimate * FRAME_US / 8e6 * (0.7 + 0.6 * self.random.random()))
            self.next_frame_us += FRAME_US
            self.next_packet_us = self.now_us
        while self.frame_left > 0 and self.now_us >= self.next_packet_us:
            size = min(self.frame_left, PACKET)
            self.frame_left -= size
            self.lib.link_send(self.link, ctypes.byref(Packet(self.now_us, max(size, 60) + WIRE_BYTES, 0)))
            self.next_packet_us += 500

    def receive(self):
        packet, arrives_us = Packet(), ctypes.c_uint64()
        while self.lib.link_poll(self.link, ctypes.c_uint64(self.now_us), ctypes.byref(packet), ctypes.byref(arrives_us)):
            self.air.append((arrives_us.value, packet.sent_us, packet.len_bytes))
        while self.air and self.air[0][0] <= self.now_us:
            at_us, sent_us, size = self.air.pop(0)
            self.delivered += size
            self.delays_ms.append((at_us - sent_us - self.config.delay_us) // 1000)
            abs_send_time = ((sent_us << 18) // 1_000_000) & 0xFFFFFF
            remb = self.estimator.add(at_us // 1000, abs_send_time, size - WIRE_BYTES, 1)
            if remb:
                self.rembs.append((self.now_us + self.config.delay_us, remb[0]))
        while self.rembs and self.rembs[0][0] <= self.now_us:
            self.estimate = min(max(self.rembs.pop(0)[1], MIN_BPS), MAX_BPS)

    def run(self, us):
        until_us = self.now_us + us
        while self.now_us < until_us:
            self.receive()
            self.send()
            self.now_us += 1000

    def used(self, bps, us):
        return self.delivered * 8e6 / us / bps

    def delay_p95(self):
        delays = sorted(self.delays_ms)
        return delays[int(len(delays) * 0.95)] if delays else 0


def steady(lib, mbps, loss, seed):
    call = Call(lib, mbps, loss, seed)
    call.run(SETTLING_S * 1_000_000)
    call.count_anew()
    call.run((STEADY_S - SETTLING_S) * 1_000_000)
    figures = call.used(mbps * 1e6, (STEADY_S - SETTLING_S) * 1e6), call.delay_p95()
    call.close()
    return figures


def steps(lib, seed):
    call = Call(lib, 3, 0, seed)
    call.run(STEP_S * 1_000_000)
    call.set_capacity(700_000)
    call.count_anew()
    down_s = 0.0
    for i in range(1, STEP_S * 20 + 1):
        call.run(50_000)
        if i <= 100 and call.estimate > 735_000:
            down_s = i * 0.05
    used = call.used(700_000, STEP_S * 1e6)
    call.set_capacity(3_000_000)
    up_s = STEP_S
    for i in range(1, STEP_S + 1):
        call.count_anew()
        call.run(1_000_000)
        if call.used(3_000_000, 1e6) >= 0.8:
            up_s = i
            break
    call.close()
    return down_s, up_s, used


def main():
    lib, seeds = ctypes.CDLL(sys.argv[1]), range(1, int(sys.argv[2]) + 1)
    lib.link_new.restype = ctypes.c_void_p
    lib.link_poll.restype = ctypes.c_bool
    print(f"{'link':30} {'used':>8} {'worst':>8} {'delay p95, ms':>14}")
    for name, mbps, loss in STEADY:
        figures = [steady(lib, mbps, loss, seed) for seed in seeds]
        used = [f[0] for f in figures]
        print(f"{name:30} {100 * sum(used) / len(used):7.1f}% {100 * min(used):7.1f}% {max(f[1] for f in figures):14}", flush=True)
    figures = [steps(lib, seed) for seed in seeds]
    print(f"\n{'3 -> 0.7 -> 3 Mbit/s':30} {'down, s':>8} {'up, s':>8} {'used at 0.7':>14}")
    print(f"{'worst':30} {max(f[0] for f in figures):8.2f} {max(f[1] for f in figures):8} {100 * min(f[2] for f in figures):13.1f}%")


if __name__ == "__main__":
    main()
