// Frames of output by docs/link.md: one byte of stream, the byte count as a big-endian 32-bit number, the bytes.
#include "reference.h"

uint64_t fnv1a(uint64_t digest, const uint8_t *bytes, size_t byte_count) {
    for (size_t index = 0; index < byte_count; index++) digest = (digest ^ bytes[index]) * 0x100000001b3u;
    return digest;
}

struct frames_reading frames_read(const uint8_t *bytes, size_t byte_count) {
    struct frames_reading reading = {.digest = {fnv1a_start, fnv1a_start, fnv1a_start}};
    size_t at = 0;
    while (byte_count - at >= 5) {
        uint8_t stream = bytes[at];
        uint32_t length = (uint32_t)bytes[at + 1] << 24 | (uint32_t)bytes[at + 2] << 16 | (uint32_t)bytes[at + 3] << 8 |
                          bytes[at + 4];
        at += 5;
        if ((stream != 1 && stream != 2) || length > 262144) {
            reading.is_malformed = true;
            return reading;
        }
        size_t here = byte_count - at < length ? byte_count - at : length;
        reading.digest[stream] = fnv1a(reading.digest[stream], bytes + at, here);
        reading.byte_count[stream] += here;
        at += here;
        if (here < length) return reading;
    }
    reading.is_between_frames = at == byte_count;
    return reading;
}
