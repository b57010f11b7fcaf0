// What Alertmanager's API answers when it does not do what was asked: JSON, either a sentence, or a code and a sentence where
// the request does not have the form it should have.

export class ApiRefusal extends Error {
  readonly status: number;
  /** The body, as JSON. */
  readonly answer: unknown;

  constructor(status: number, answer: string | { readonly code: number; readonly message: string }) {
    super(typeof answer === 'string' ? answer : answer.message);
    this.status = status;
    this.answer = answer;
  }
}

/** A field that must be there and is not. */
export function missing(path: string): ApiRefusal {
  return new ApiRefusal(422, { code: 602, message: `${path} in body is required` });
}

/** Bytes or values that are not what the API takes. */
export function malformed(what: string, why: string): ApiRefusal {
  return new ApiRefusal(400, { code: 400, message: `parsing ${what} body failed, because ${why}` });
}
