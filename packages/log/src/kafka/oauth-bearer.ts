// OAUTHBEARER (RFC 7628) for a connection of kafkajs, which has one of its own that takes a refusal for a success: a broker
// that does not like a token answers with a challenge that says why, and not with an error.
//
//   client   n,,^Aauth=Bearer TOKEN^A^A
//   broker   nothing                               it is taken
//            {"status":"invalid_token", ...}       it is not

export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/** What kafkajs hands in: sends bytes in the protocol's frame (length i32 | bytes, both ways), and says what came back. */
type Exchange = (messages: {
  readonly request: { encode(): Promise<Buffer> };
  readonly response: { decode(answer: Buffer): Promise<string>; parse(challenge: string): Promise<void> };
}) => Promise<void>;

/** For `sasl.authenticationProvider`. Its `authenticate` throws `TokenRefused`, and what `token` throws. */
export function oauthBearer(token: () => Promise<string>) {
  return ({ saslAuthenticate }: { readonly saslAuthenticate: Exchange }) => ({
    async authenticate(): Promise<void> {
      const message = Buffer.from(`n,,\u0001auth=Bearer ${await token()}\u0001\u0001`);
      const framed = Buffer.alloc(4 + message.length);
      framed.writeInt32BE(message.length);
      message.copy(framed, 4);
      await saslAuthenticate({
        request: { encode: async () => framed },
        response: {
          decode: async (answer) => answer.subarray(4).toString(),
          parse: async (challenge) => {
            if (challenge !== '') throw new TokenRefused(`the token is refused: ${challenge}`);
          },
        },
      });
    },
  });
}
