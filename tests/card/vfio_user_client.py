# SPDX-License-Identifier: GPL-2.0-only
"""A small vfio-user client and driver for the virtual card, to test it without QEMU."""
import array
import json
import mmap
import os
import select
import socket
import struct
import subprocess
import time

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, REGION_IO_FDS, IRQ_INFO, SET_IRQS = range(1, 9)
REGION_READ, REGION_WRITE, DMA_READ, DMA_WRITE, RESET, _, WRITE_MULTI = range(9, 16)
BAR0, BAR1, BAR2, CONFIG = 0, 1, 2, 7
INTX, MSI, MSIX = range(3)
DATA_NONE, DATA_BOOL, DATA_EVENTFD, MASK, UNMASK, TRIGGER = (1 << n for n in range(6))

CAPABILITIES = b'{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"pgsizes":4096,' \
               b'"max_dma_maps":65535,"write_multiple":true}}\0'

# video source
VS_CONTROL, VS_STATUS, VS_SIZEIMAGE, VS_RATE = 0x008, 0x00c, 0x020, 0x024
VS_BEGUN, VS_SENT, VS_OVERRUN, VS_ABORTED, VS_LOG = 0x028, 0x030, 0x038, 0x040, 0x400
# core
C2H, IRQ, CFG, SGDMA, COMMON = 0x1000, 0x2000, 0x3000, 0x5000, 0x6000
CONTROL, CONTROL_W1S, CONTROL_W1C = C2H + 4, C2H + 8, C2H + 0xc
STATUS, STATUS_RC, COMPLETED_COUNT = C2H + 0x40, C2H + 0x44, C2H + 0x48
INT_ENABLE = C2H + 0x90
CHANNEL_INT, CHANNEL_VECTOR = IRQ + 0x10, IRQ + 0xa0
USER_INT, USER_REQUEST, USER_PENDING, USER_VECTOR = IRQ + 4, IRQ + 0x40, IRQ + 0x48, IRQ + 0x80
DESC_LO, DESC_HI, DESC_ADJ, CREDITS = SGDMA + 0x80, SGDMA + 0x84, SGDMA + 0x88, SGDMA + 0x8c
CREDIT_MODE = COMMON + 0x20
RUN, POLL_WB, NO_WB = 1, 1 << 26, 1 << 27
EVENTS = 0x00f83e7e
BUSY, STOPPED, COMPLETED, MAGIC_STOPPED, INVALID, IDLE = 1, 2, 4, 16, 32, 64
DESC_UNSUPPORTED, READ_SLAVE = 1 << 19, 1 << 10
STOP, COMPLETE = 1, 2
MAGIC = 0xad4b0000
WRITEBACK, EOP = 0x52b40000, 1

MEMORY = 64 << 20
RING, WRITEBACKS, DATA = 0x100000, 0x200000, 0x400000


class Refused(Exception):
    def __init__(self, errno):
        super().__init__(os.strerror(errno) if errno else "no errno")
        self.errno = errno


class Disconnected(Exception):
    pass


class CardProcess:
    """One build/card/grabber-card with its control socket."""

    def __init__(self, program, directory, *args):
        self.socket = str(directory / "card.sock")
        self.control_path = str(directory / "card.ctl")
        self.stats_path = directory / "stats.json"
        self.process = subprocess.Popen(
            [str(program), "--socket", self.socket, "--control", self.control_path,
             "--stats", str(self.stats_path), *args],
            stdout=subprocess.PIPE, stderr=open(directory / "card.err", "wb"), text=True)
        self.ready = self.process.stdout.readline()
        self._control = None

    def ask(self, line):
        if not self._control:
            self._control = socket.socket(socket.AF_UNIX)
            self._control.settimeout(10)
            self._control.connect(self.control_path)
        self._control.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self._control.recv(4096)
        return answer.decode().strip()

    def stats(self):
        return json.loads(self.ask("stats"))

    def descriptors(self):
        self.stats()        # it answers when it is done with the message before
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        self.process.terminate()
        code = self.process.wait(10)
        self.process.stdout.close()
        if self._control:
            self._control.close()
        return code


class Client:
    """A connection, its memory and the driver's side of the ring."""

    def __init__(self, path, negotiate=True, memory=True, share=True):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(path)
        self.next_id = 0
        self.events = {}
        self.fd = None
        self.answer_dma = True
        self.dma_messages = 0
        if negotiate:
            self.call(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
        if memory:
            self.fd = os.memfd_create("guest")
            os.ftruncate(self.fd, MEMORY)
            self.mem = mmap.mmap(self.fd, MEMORY)
            self.map(0, MEMORY, self.fd if share else None)

    def close(self):
        self.sock.close()
        while self.events:
            os.close(self.events.popitem()[1])
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    # messages

    def send(self, command, payload=b"", fds=(), flags=0, size=None):
        self.next_id = (self.next_id + 1) & 0xffff
        head = struct.pack("<HHIII", self.next_id, command,
                           16 + len(payload) if size is None else size, flags, 0)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([head + payload], ancillary)
        return self.next_id

    def _exactly(self, n):
        data = b""
        while len(data) < n:
            try:
                part = self.sock.recv(n - len(data))
            except ConnectionError:
                part = b""
            if not part:
                raise Disconnected
            data += part
        return data

    def receive(self):
        """(id, payload); a DMA request of the card is served on the way."""
        while True:
            number, command, size, flags, error = struct.unpack("<HHIII", self._exactly(16))
            payload = self._exactly(size - 16)
            if flags & 0xf == 0:
                self._serve_dma(number, command, payload)
                continue
            if flags & 0x20:
                assert size == 16, "an error reply has a header only"
                raise Refused(error)
            return number, payload

    def _serve_dma(self, number, command, payload):
        self.dma_messages += 1
        if not self.answer_dma:
            return
        address, count = struct.unpack_from("<QQ", payload)
        data = b""
        if command == DMA_WRITE:
            assert len(payload) == 16 + count
            self.mem[address:address + count] = payload[16:]
        else:
            assert command == DMA_READ
            data = self.mem[address:address + count]
        self.sock.sendall(struct.pack("<HHIII", number, command, 32 + len(data), 1, 0) +
                          struct.pack("<QQ", address, count) + data)

    def serve_dma(self, seconds):
        """Answer the card's DMA messages for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.sock], [], [], left)[0]:
                number, command, size, flags, _error = struct.unpack("<HHIII", self._exactly(16))
                assert flags & 0xf == 0
                self._serve_dma(number, command, self._exactly(size - 16))

    def call(self, command, payload=b"", fds=()):
        number = self.send(command, payload, fds)
        answered, data = self.receive()
        assert answered == number
        return data

    def map(self, address, size, fd=None, offset=0, flags=3):
        self.call(DMA_MAP, struct.pack("<IIQQQ", 32, flags, offset, address, size),
                  [] if fd is None else [fd])

    def unmap(self, address, size, flags=0):
        return self.call(DMA_UNMAP, struct.pack("<IIQQ", 24, flags, address, size))

    def read(self, region, offset, size=4):
        data = self.call(REGION_READ, struct.pack("<QII", offset, region, size))
        assert data[:16] == struct.pack("<QII", offset, region, size)
        return int.from_bytes(data[16:], "little")

    def write(self, region, offset, value, size=4):
        self.call(REGION_WRITE, struct.pack("<QII", offset, region, size) +
                  value.to_bytes(size, "little"))

    def reset(self):
        self.call(RESET)

    def region_info(self, index):
        return struct.unpack("<IIIIQQ", self.call(REGION_INFO, struct.pack("<IIIIQQ", 32, 0, index, 0, 0, 0)))

    def irq_count(self, index):
        return struct.unpack("<IIII", self.call(IRQ_INFO, struct.pack("<IIII", 16, 0, index, 0)))[3]

    def set_irqs(self, flags, index, start=0, count=1, fds=(), data=b""):
        self.call(SET_IRQS, struct.pack("<IIIII", 20 + len(data), flags, index, start, count) + data, fds)

    # interrupts

    def eventfd(self, index, vector=0):
        fd = os.eventfd(0, os.EFD_NONBLOCK)
        self.events[index, vector] = fd
        self.set_irqs(DATA_EVENTFD | TRIGGER, index, vector, 1, [fd])

    def interrupts(self, index=MSIX, vector=0, wait=0.0):
        """How many came since the last look; waits for the first one."""
        fd = self.events[index, vector]
        if not select.select([fd], [], [], wait)[0]:
            return 0
        return os.eventfd_read(fd)

    # PCI

    def capability(self, wanted):
        at = self.read(CONFIG, 0x34, 1)
        while at:
            if self.read(CONFIG, at, 1) == wanted:
                return at
            at = self.read(CONFIG, at + 1, 1)
        return None

    def enable(self, msix=True, master=True):
        """Memory decoding, bus mastering, one MSI-X vector."""
        self.write(CONFIG, 4, 6 if master else 2, 2)
        if msix:
            at = self.capability(0x11)
            self.write(CONFIG, at + 2, 0x8000, 2)
            self.eventfd(MSIX)

    # counters

    def counter(self, offset):
        low = self.read(BAR0, offset)
        return low | self.read(BAR0, offset + 4) << 32

    def counters(self):
        return tuple(self.counter(o) for o in (VS_BEGUN, VS_SENT, VS_OVERRUN, VS_ABORTED))

    def log(self, packet):
        at = VS_LOG + packet % 64 * 16
        return self.counter(at), self.read(BAR0, at + 8)

    # the engine

    def descriptor(self, index, length, control=COMPLETE, dst=None, following=None, adjacent=0):
        struct.pack_into("<IIQQQ", self.mem, RING + 32 * index,
                         MAGIC | adjacent << 8 | control, length, WRITEBACKS + 32 * index,
                         DATA + index * 0x200000 if dst is None else dst,
                         RING + 32 * (index + 1 if following is None else following))
        struct.pack_into("<II", self.mem, WRITEBACKS + 32 * index, 0, 0)

    def writeback(self, index):
        """(eop, length), or None while there is none."""
        status, length = struct.unpack_from("<II", self.mem, WRITEBACKS + 32 * index)
        if not status:
            return None
        assert status & ~EOP == WRITEBACK
        return status & EOP, length

    def wait_writeback(self, index, timeout=5):
        end = time.monotonic() + timeout
        while self.writeback(index) is None:
            assert time.monotonic() < end, f"no write-back of descriptor {index}"
            time.sleep(0.001)
        return self.writeback(index)

    def wait_status(self, bits, timeout=5):
        end = time.monotonic() + timeout
        while not (status := self.read(BAR1, STATUS)) & bits:
            assert time.monotonic() < end, f"status {status:#x} never had {bits:#x}"
            time.sleep(0.001)
        return status

    def start(self, first=0, adjacent=0, control=0, credits=None):
        self.write(BAR1, CREDIT_MODE, 0 if credits is None else 1 << 16)
        self.write(BAR1, DESC_LO, RING + 32 * first)
        self.write(BAR1, DESC_HI, 0)
        self.write(BAR1, DESC_ADJ, adjacent)
        self.write(BAR1, INT_ENABLE, EVENTS)
        self.write(BAR1, CHANNEL_INT, 1)
        if credits:
            self.write(BAR1, CREDITS, credits)
        self.write(BAR1, CONTROL, EVENTS | RUN | control)

    def stop(self):
        self.write(BAR1, CONTROL_W1C, RUN)

    def run(self, on=True):
        self.write(BAR0, VS_CONTROL, 1 if on else 0)

    def data(self, index, size, at=0):
        start = DATA + index * 0x200000 + at
        return self.mem[start:start + size]
