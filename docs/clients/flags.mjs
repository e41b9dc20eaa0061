// Reads the flags that hoist puts into Redis.

const BUCKETS = 100_000;

/** Where a user falls: 0 to 99,999. */
export function bucket(text) {
  return Number((BigInt(murmur3(new TextEncoder().encode(text))) * BigInt(BUCKETS)) >> 32n);
}

/** MurmurHash3 x86 32 with seed 0. */
function murmur3(bytes) {
  const rotate = (n, by) => (n << by) | (n >>> (32 - by));
  const scramble = (k) => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let at = 0; at < whole; at += 4) {
    hash = Math.imul(rotate(hash ^ scramble(view.getUint32(at, true)), 13), 5) + 0xe6546b64;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= whole; at -= 1) rest = (rest << 8) | bytes[at];
  hash ^= scramble(rest) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export class Flags {
  constructor(redis, prefix = 'ff') {
    this.redis = redis;
    this.prefix = prefix;
  }

  async record(flag) {
    const data = await this.redis.get(`${this.prefix}:${flag}`);
    return data === null ? null : { ...JSON.parse(data), variants: variantsOf(data) };
  }

  async isEnabled(flag, user = null, groups = [], otherwise = false) {
    const record = await this.record(flag);
    if (record === null) return otherwise;
    if (!record.enabled) return false;
    if (record.allowed_users?.includes(user)) return true;
    if (record.allowed_groups?.some((group) => groups.includes(group))) return true;
    return takesPart(record, flag, user);
  }

  /** The value of the user's variant, which is its name where it has none. */
  async variant(flag, user = null, otherwise = null) {
    const record = await this.record(flag);
    if (record === null) return otherwise;
    const name = draw(record, flag, user);
    return record.values?.[name] ?? name;
  }
}

/** Names and weights in the order of the record: an object would put names that are numbers first. */
function variantsOf(data) {
  const [, variants] = /"variants"\s*:\s*\{([^}]*)\}/.exec(data) ?? [null, ''];
  const each = variants.matchAll(/"([^"]+)"\s*:\s*([0-9.]+)/g);
  return Array.from(each, ([, name, weight]) => [name, Number(weight)]);
}

function takesPart(record, flag, user) {
  const share = Math.round((record.percentage ?? 100) * 1000);
  if (user === null || share === BUCKETS) return share === BUCKETS;
  return bucket(`${record.salt ?? flag}:${user}`) < share;
}

function draw(record, flag, user) {
  if (!record.enabled) return record.control;
  for (const [name, users] of Object.entries(record.forced ?? {})) {
    if (users.includes(user)) return name;
  }
  if (user === null || !takesPart(record, flag, user)) return record.control;
  const drawn = bucket(`${record.salt ?? flag}:variant:${user}`);
  let end = 0;
  for (const [name, weight] of record.variants) {
    end += Math.round(weight * 1000);
    if (drawn < end) return name;
  }
  return record.control;
}
