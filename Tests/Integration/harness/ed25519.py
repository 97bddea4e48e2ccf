"""Ed25519, written from RFC 8032 for the tests: a second opinion on what the product signs. Slow, and not for secrets."""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
HALF_TURN = pow(2, (P - 1) // 4, P)  # a square root of -1
NOTHING = (0, 1, 1, 0)


def public_key(seed):
    return _encoded(_times(_secret(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = _secret(seed)
    key = _encoded(_times(scalar, BASE))
    once = _number(prefix, message) % ORDER
    point = _encoded(_times(once, BASE))
    return point + ((once + _number(point, key, message) * scalar) % ORDER).to_bytes(32, "little")


def is_signed(key, signature, message):
    """Whether the key's owner has signed the message (section 5.1.7)."""
    claimed, point = _decoded(key), _decoded(signature[:32])
    proof = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or claimed is None or point is None or proof >= ORDER:
        return False
    right = _plus(point, _times(_number(signature[:32], key, message) % ORDER, claimed))
    return _encoded(_times(proof, BASE)) == _encoded(right)


def _secret(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & ~7 & ~(1 << 255) | 1 << 254, digest[32:]


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _plus(one, other):
    """Of points as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z (section 5.1.4)."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(scalar, point):
    total = NOTHING
    while scalar:
        if scalar & 1:
            total = _plus(total, point)
        point = _plus(point, point)
        scalar >>= 1
    return total


def _encoded(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decoded(data):
    """The point, or None when the bytes are none (section 5.1.3)."""
    number = int.from_bytes(data, "little")
    y, sign_of_x = number & ~(1 << 255), number >> 255
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * HALF_TURN % P
    if x * x % P != square or (x == 0 and sign_of_x):
        return None
    if x & 1 != sign_of_x:
        x = P - x
    return x, y, 1, x * y % P


BASE = _decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
