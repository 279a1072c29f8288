"""Ed25519 (RFC 8032), verification only, in plain Python. Strict: what is not canonical, or of small order, is refused (ValueError)."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
IDENTITY = (0, 1, 1, 0)


def require(condition, what):
    if not condition:
        raise ValueError(what)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point(data):
    """A point of the curve that is not of small order, from its canonical bytes."""
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    require(y < P, "not canonical")
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    require((x * x - xx) % P == 0 and (x or not sign), "not on the curve")
    x = x if x & 1 == sign else P - x
    result = (x, y, 1, x * y % P)
    require(not same(times(8, result), IDENTITY), "of small order")
    return result


BASE = point(bytes.fromhex("58" + "66" * 31))


def verify_signature(public, message, signature):
    require(len(public) == 32 and len(signature) == 64, "length")
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    require(s < L, "not canonical")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    require(same(times(s, BASE), add(r, times(k, a))), "the signature does not hold")
