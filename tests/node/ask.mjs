// Asks for flags through OpenFeature's SDKs for servers and for browsers. Reads cases as JSON from standard
// input, and prints what it was told.
//
//     node ask.mjs server|web URL < cases.json
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

const require = createRequire(`${process.env.HOIST_TEST_NODE}/`);
const [kind, baseUrl] = process.argv.slice(2);
const cases = JSON.parse(readFileSync(0, 'utf8'));

function contextOf({ user, groups }) {
  return user === null ? { groups } : { targetingKey: user, groups };
}

function getterOf(type) {
  const kinds = { boolean: 'Boolean', string: 'String', integer: 'Number', float: 'Number', object: 'Object' };
  return `get${kinds[type]}Details`;
}

function told(details) {
  return {
    value: details.value,
    variant: details.variant ?? null,
    reason: details.reason,
    error: details.errorCode ?? null,
  };
}

async function asServer() {
  const { OpenFeature } = require('@openfeature/server-sdk');
  const { OFREPProvider } = require('@openfeature/ofrep-provider');
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl }));
  const client = OpenFeature.getClient();
  const answers = [];
  for (const one of cases) {
    answers.push(told(await client[getterOf(one.type)](one.flag, one.default, contextOf(one))));
  }
  return answers;
}

async function asBrowser() {
  const { OpenFeature } = require('@openfeature/web-sdk');
  const { OFREPWebProvider } = require('@openfeature/ofrep-web-provider');
  const statuses = [];
  const fetchImplementation = async (request) => {
    const response = await fetch(request);
    statuses.push(response.status);
    return response;
  };
  const options = { baseUrl, fetchImplementation, cacheMode: 'disabled', changeDetection: 'none', pollInterval: 0 };
  const provider = new OFREPWebProvider(options);
  let context = contextOf(cases[0]);
  await OpenFeature.setContext(context);
  await OpenFeature.setProviderAndWait(provider);
  const client = OpenFeature.getClient();
  const answers = [];
  for (const one of cases) {
    if (!isDeepStrictEqual(context, contextOf(one))) {
      context = contextOf(one);
      await OpenFeature.setContext(context);
      // Once more for the same: nothing is sent again.
      await OpenFeature.setContext({ ...context });
    }
    answers.push(told(client[getterOf(one.type)](one.flag, one.default)));
  }
  return { answers, statuses };
}

const said = kind === 'server' ? await asServer() : await asBrowser();
process.stdout.write(JSON.stringify(said), () => process.exit(0));
