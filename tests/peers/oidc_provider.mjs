// An authorization server that nobody here wrote: oidc-provider, configured and watched, unchanged
// but for one thing: a client may have several secrets at once. Reads one line of JSON (`tls`: a
// certificate, its key, and who vouches for clients), prints its address as one, and ends with its
// standard input.

import "./older_node.mjs";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import readline from "node:readline";
import { act, fingerprint, keep, known, treat } from "./control.mjs";

console.info = console.error; // standard output is for the address alone
const { Provider, errors } = await import("oidc-provider");

const METHODS = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "none",
];
const RESOURCES = {
  "https://api.example.com": "read write",
  "https://other.example.com/v1": "read",
};

function key(kind, options, alg) {
  const jwk = generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" });
  return { ...jwk, alg, use: "sig" };
}

function resourceServer(ctx, resource) {
  const scope = RESOURCES[resource];
  if (!scope) throw new errors.InvalidTarget();
  return { scope, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
}

const tlsClients = {
  enabled: true,
  tlsClientAuth: true,
  certificateBoundAccessTokens: true,
  getCertificate: (ctx) => ctx.socket.getPeerX509Certificate(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches: (ctx, property, expected) =>
    property === "tls_client_auth_san_dns" &&
    ctx.socket.getPeerX509Certificate().checkHost(expected) !== undefined,
};

const ttl = (ctx, token, client) => known(client.clientId).token_ttl_s;

function configuration(tls) {
  return {
    jwks: {
      keys: [
        key("rsa", { modulusLength: 2048 }, "RS256"),
        key("ec", { namedCurve: "P-256" }, "ES256"),
      ],
    },
    cookies: { keys: [randomBytes(32).toString("hex")] },
    scopes: ["openid", "offline_access", "read", "write"],
    claims: { email: ["email"] },
    findAccount: (ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@example.com` }),
    }),
    clientAuthMethods: tls ? [...METHODS, "tls_client_auth"] : METHODS,
    pkce: { required: () => true },
    rotateRefreshToken: (ctx) => known(ctx.oidc.client.clientId).rotate,
    ttl: { AccessToken: ttl, ClientCredentials: ttl, RefreshToken: 86400, Grant: 86400 },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: {
        enabled: true,
        nonceSecret: randomBytes(32),
        requireNonce: (ctx) => known(ctx.oidc.client?.clientId)?.nonce ?? false,
      },
      introspection: { enabled: true },
      mTLS: tls ? tlsClients : { enabled: false },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
      revocation: { enabled: true },
    },
  };
}

/** Accept any of a client's secrets, and note which it was. */
function takeSeveralSecrets({ Client }) {
  const compare = Client.prototype.compareClientSecret;
  Client.prototype.compareClientSecret = function compareAny(actual) {
    const same = (clientSecret) => compare.call({ clientSecret }, actual);
    const found = known(this.clientId).secrets.find(same);
    if (found) Provider.ctx.state.secret = fingerprint(found);
    return found !== undefined;
  };
}

/** Put the secrets of a client where its HS256 assertions are verified. */
async function accept(provider, clientId, secrets) {
  keep(clientId, { secrets });
  const { symmetricKeyStore } = await provider.Client.find(clientId);
  symmetricKeyStore.clear();
  for (const secret of secrets) {
    const k = Buffer.from(secret).toString("base64url");
    symmetricKeyStore.add({ kty: "oct", alg: "HS256", use: "sig", k });
  }
}

async function register(provider, { metadata, ...settings }) {
  const clientId = metadata.client_id;
  const [client_secret] = settings.secrets ?? [];
  await provider.Client.adapter.upsert(clientId, { ...metadata, client_secret });
  keep(clientId, settings);
  await accept(provider, clientId, known(clientId).secrets);
}

/** Let a refresh token be used again for a while, as servers do that know of lost answers. */
function allowGrace({ RefreshToken }) {
  const find = RefreshToken.find;
  RefreshToken.find = async function findInGrace(...given) {
    const token = await find.apply(this, given);
    const grace = known(token?.clientId)?.grace_s ?? 0;
    if (token?.consumed && Date.now() / 1000 < token.consumed + grace) token.consumed = undefined;
    return token;
  };
}

async function control(ctx, provider) {
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  ctx.type = "json";
  ctx.body = await act(JSON.parse(Buffer.concat(chunks)), {
    register: (asked) => register(provider, asked),
    accept: ({ client_id, secrets }) => accept(provider, client_id, secrets),
  });
}

/** Say who a header names, also one that the server makes nothing of. */
function named({ authorization = "" }) {
  return Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString().split(":")[0];
}

function note(ctx) {
  const { route, params, client } = ctx.oidc;
  const asked = known(client?.clientId ?? params?.client_id ?? named(ctx.headers));
  asked?.seen.push({
    endpoint: route,
    grant_type: params?.grant_type ?? null,
    outcome: ctx.body?.error ?? (ctx.status < 400 ? "ok" : String(ctx.status)),
    secret: ctx.state.secret ?? null,
  });
  return asked;
}

async function watch(ctx, next, provider) {
  if (ctx.path === "/control") return control(ctx, provider);
  await next();
  if (ctx.method !== "POST" || !ctx.oidc) return undefined;
  const asked = note(ctx);
  if (ctx.oidc.route !== "token" || (await treat(asked)) !== "drop") return undefined;
  ctx.respond = false;
  return ctx.socket.destroy();
}

const lines = readline.createInterface({ input: process.stdin });
const [line] = await once(lines, "line");
lines.on("close", () => process.exit());
const { tls } = JSON.parse(line);

const options = { ...tls, requestCert: true, rejectUnauthorized: false };
const server = tls ? https.createServer(options) : http.createServer();
await once(server.listen(0, "127.0.0.1"), "listening");
const url = `${tls ? "https" : "http"}://127.0.0.1:${server.address().port}`;

const provider = new Provider(url, configuration(tls));
takeSeveralSecrets(provider);
allowGrace(provider);
provider.use((ctx, next) => watch(ctx, next, provider));
server.on("request", provider.callback());
console.log(JSON.stringify({ url }));
