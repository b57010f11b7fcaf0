// How deep a text nests, told by its brackets and signs alone: what is far too deep is refused before the grammar, whose stack
// and time grow with it, sees any of it.
//
//   ( [ {      one deeper, until its ) ] } of whatever kind          - +      one deeper each, one behind the other
//
// Nothing counts in strings and comments. What is closed wrongly is for the grammar to say.

/** Deepest nesting, of brackets or of signs in a row. */
export function nestingOf(text: string): number {
  let [depth, signs, deepest] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '(':
      case '[':
      case '{':
        deepest = Math.max(deepest, ++depth);
        signs = 0;
        break;
      case ')':
      case ']':
      case '}':
        depth = Math.max(depth - 1, 0);
        signs = 0;
        break;
      case '-':
      case '+':
        deepest = Math.max(deepest, ++signs);
        break;
      case '"':
      case "'":
      case '`':
        at = endOfString(text, at);
        signs = 0;
        break;
      case '#':
        at = endOfLine(text, at);
        break;
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        break;
      default:
        signs = 0;
    }
  }
  return deepest;
}

/** Of the quote that ends it; of one without an end, the last character. */
function endOfString(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote !== '`') at++;
    else if (text[at] === quote) return at;
  }
  return text.length;
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}
