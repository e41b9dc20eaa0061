// Asks the client of the documentation: `node ask_flags.mjs FILE REDIS_URL`, with a JSON list of cases
// `{"flag", "variant", "user", "groups"}` on standard input. Prints the list of answers.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.HOIST_TEST_NODE}/`);
const { createClient } = require('redis');
const [file, url] = process.argv.slice(2);
const { Flags } = await import(pathToFileURL(file).href);

const redis = await createClient({ url }).connect();
const flags = new Flags(redis);
const cases = JSON.parse(readFileSync(0, 'utf8'));
const answers = [];
for (let at = 0; at < cases.length; at += 200) {
  const some = cases.slice(at, at + 200).map(({ flag, variant, user, groups }) =>
    variant ? flags.variant(flag, user, 'default') : flags.isEnabled(flag, user, groups, 'default'),
  );
  answers.push(...(await Promise.all(some)));
}
process.stdout.write(JSON.stringify(answers));
redis.destroy();
