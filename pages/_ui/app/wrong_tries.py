"""Wrong passwords: who gives many waits longer and longer, and nobody waits for what others give."""

import asyncio
import time
from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address


class WrongTries:
    """Wrong passwords by the addresses that they came from, each of which waits for itself alone.

    The first few of an address are free, since people mistype; each further one doubles its pause. While very many are
    wrong in all, fewer are free. What comes from an address that waits is not looked at, so that a right password of
    any other one always opens.

    Not thread-safe: for one event loop.
    """

    seconds = 60.0  # the first pause
    longest = 3600.0
    per_address = 10
    altogether = 100  # in a minute; from then on it is an attack
    in_attack = 3  # free tries of each address then
    most_addresses = 10_000  # those that are not known any more begin anew
    most_waiting = 100

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # address -> how many, and when the last was
        self._recent: deque[float] = deque(maxlen=self.altogether)
        self._waiting = 0

    def add(self, address: str) -> None:
        """Note a wrong password."""
        now, network = time.monotonic(), network_of(address)
        self._recent.append(now)
        self._wrong[network] = (self._wrong.get(network, (0, now))[0] + 1, now)
        self._wrong.move_to_end(network)
        while len(self._wrong) > self.most_addresses or self._is_over(next(iter(self._wrong.values())), now):
            self._wrong.popitem(last=False)

    def forget(self, address: str) -> None:
        """Somebody at this address knows the password: what a whole office mistypes does not add up."""
        self._wrong.pop(network_of(address), None)

    def pause(self, address: str) -> float:
        """Seconds until an address may try again; 0 where it may now."""
        count, last = self._wrong.get(network_of(address), (0, 0.0))
        now = time.monotonic()
        is_attack = len(self._recent) == self.altogether and now - self._recent[0] < 60
        free = self.in_attack if is_attack else self.per_address
        if count < free:
            return 0.0
        # An exponent that grows without end would overflow.
        return max(0.0, last + min(self.longest, self.seconds * 2.0 ** min(count - free, 30)) - now)

    async def slow_down(self, seconds: float) -> None:
        """Let a wrong try wait for its answer; beyond so many at once, what each costs is worse than what it tells."""
        if self._waiting >= self.most_waiting:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting -= 1

    def _is_over(self, wrong: tuple[int, float], now: float) -> bool:
        return now - wrong[1] > 2 * self.longest


def network_of(address: str) -> str:
    """What is taken for one sender: an address, or the 64 bits of IPv6 that a household gets at least.

    The address is what a proxy says where uvicorn trusts it (FORWARDED_ALLOW_IPS, this machine by default): the last
    one that it added, and not what the sender wrote before it.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or f"{found.exploded[:19]}::/64")
    return str(found)


def too_many(pause: float) -> str:
    """The sentence for an address that waits."""
    minutes = -(-int(pause) // 60)
    return f"Too many wrong passwords from your address: wait {f'{minutes} minutes' if minutes > 1 else 'a minute'}."
