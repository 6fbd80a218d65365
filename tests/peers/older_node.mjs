// What oidc-provider takes for granted and Node 18 does not have yet. Imported before it; where
// nothing is missing, nothing is done. The package itself stays as it was installed.

import crypto, { webcrypto } from "node:crypto";
import module from "node:module";

const HASH = `
import { createHash } from "node:crypto";
export * from "node:crypto";
export const hash = (name, data, encoding = "hex") =>
  createHash(name).update(data).digest(encoding);
`;
const WITH_HASH = `data:text/javascript,${encodeURIComponent(HASH)}`;

// Whoever imports Node's cryptography from a file is given one that has `hash` as well.
const HOOK = `
export const resolve = (name, context, next) =>
  name === "node:crypto" && context.parentURL?.startsWith("file:")
    ? { url: ${JSON.stringify(WITH_HASH)}, shortCircuit: true }
    : next(name, context);
`;

globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
URL.canParse ??= (text) => URL.parse(text) !== null;
URL.parse ??= (text, base) => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};
if (!crypto.hash) module.register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
