// Evaluates flagd's flag definitions with flagd's own evaluator. Reads `{"definitions", "askers":
// [{"user", "groups"}]}` as JSON from standard input, and prints what each flag gives each of them:
// `{flag: [{"value", "variant"}, …]}`. Definitions that flagd's schema does not allow are an error.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(`${process.env.HOIST_TEST_NODE}/`);
const { FlagdCore, MemoryStorage } = require('@openfeature/flagd-core');

const silent = { error() {}, warn() {}, info() {}, debug() {} };
const { definitions, askers } = JSON.parse(readFileSync(0, 'utf8'));
const storage = new MemoryStorage(silent);
storage.setConfigurations(definitions, true);
const core = new FlagdCore(storage, silent);

const answers = {};
for (const [key, flag] of storage.getFlags()) {
  const [value] = flag.variants.values();
  const ask = `resolve${{ boolean: 'Boolean', string: 'String', number: 'Number', object: 'Object' }[typeof value]}Evaluation`;
  answers[key] = askers.map(({ user, groups }) => {
    const context = user === null ? { groups } : { targetingKey: user, groups };
    if (groups === null) delete context.groups;
    const answer = core[ask](key, 'the default in the code', context, silent);
    return { value: answer.value, variant: answer.variant, error: answer.errorMessage };
  });
}
process.stdout.write(JSON.stringify(answers));
