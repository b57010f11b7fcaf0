import { queryEscape } from './builtins.ts';
import { escapeHtml } from './html-text.ts';
import { printed } from './print.ts';
import { GoNamed, type GoValue, safeHtml } from './value.ts';
import type { Writer } from './writer.ts';

// The escaping variant: it follows the HTML it writes, and escapes what an action is worth by where it lands.
//
//   <a href="{{ url }}" style="color: {{ css }}" title="{{ attribute }}">{{ text }}</a><script>var x = {{ script }}</script>
//
//   text, attribute   entities
//   url               entities; anything but http, https, mailto and relative becomes #ZgotmplZ; after ? or # it is query text
//   css               plain words and numbers only, else ZgotmplZ
//   script            a JavaScript string or number
//   tag               names only, else ZgotmplZ
//
// Go decides these places when it compiles a template, Tidemark while it writes; for a template that Go accepts it is the
// same place. Comments in the HTML are left out, as Go leaves them out. `template.HTML` (safeHtml) goes into text as it is.

type Place = 'text' | 'tag' | 'attribute' | 'comment' | 'raw';

const UNSAFE = 'ZgotmplZ';
const URL_ATTRIBUTES = new Set(
  'action archive background cite classid codebase data formaction href icon longdesc manifest poster profile src usemap'.split(
    ' ',
  ),
);
const RAW_ELEMENTS = new Set(['script', 'style', 'textarea', 'title']);

export class HtmlWriter implements Writer {
  #out = '';
  #place: Place = 'text';
  /** Of the tag we are in, or of the raw text around us. */
  #element = '';
  #attribute = '';
  /** `"`, `'` or nothing. */
  #quote = '';
  #attributeFrom = 0;
  /** What the tag so far ends with, when it may go on in the next piece. */
  #tail = '';

  get length(): number {
    return this.#out.length;
  }

  result(): string {
    return this.#out + this.#tail;
  }

  fresh(): Writer {
    return new HtmlWriter();
  }

  asValue(): GoValue {
    return safeHtml(this.result());
  }

  text(piece: string): void {
    let rest = this.#tail + piece;
    this.#tail = '';
    while (rest !== '') {
      const used = this.#advance(rest);
      if (used === 0) {
        this.#tail = rest;
        return;
      }
      rest = rest.slice(used);
    }
  }

  value(value: GoValue): void {
    if (this.#tail !== '') {
      // A tag's name that an action completes.
      this.#out += this.#tail;
      this.#tail = '';
    }
    if (this.#place !== 'comment') this.#out += this.#escaped(value);
  }

  /** Takes a step into `rest`; returns how much it took, 0: more is needed to tell. */
  #advance(rest: string): number {
    switch (this.#place) {
      case 'comment':
        return this.#untilEndOfComment(rest);
      case 'attribute':
        return this.#untilEndOfAttribute(rest);
      case 'tag':
        return this.#inTag(rest);
      case 'raw':
        return this.#untilEndOfRaw(rest);
      case 'text':
        return this.#inText(rest);
    }
  }

  #inText(rest: string): number {
    const open = rest.indexOf('<');
    if (open !== 0) return this.#copy(rest, open < 0 ? rest.length : open);
    if (rest.startsWith('<!--')) {
      this.#place = 'comment';
      return 4;
    }
    if ('<!--'.startsWith(rest)) return 0;
    const name = /^<\/?([A-Za-z][A-Za-z0-9:-]*)/.exec(rest);
    if (!name) return this.#copy(rest, 1);
    if (name[0].length === rest.length) return 0;
    this.#place = 'tag';
    this.#element = name[0].startsWith('</') ? '' : (name[1] as string).toLowerCase();
    return this.#copy(rest, name[0].length);
  }

  #inTag(rest: string): number {
    const end = /^\s*\/?>/.exec(rest);
    if (end) {
      this.#place = RAW_ELEMENTS.has(this.#element) ? 'raw' : 'text';
      return this.#copy(rest, end[0].length);
    }
    const attribute = /^\s*([^\s=>"'/]+)\s*=\s*(["']?)/.exec(rest);
    if (!attribute) {
      const used = /^(?:\s+|[^\s>]+)/.exec(rest)?.[0].length ?? 1;
      // A name may go on in the next piece.
      return used === rest.length && rest.trim() !== '' ? 0 : this.#copy(rest, used);
    }
    // `href=` at the end of a piece: the next one may bring the quote, or an action is the whole value.
    this.#attribute = (attribute[1] as string).toLowerCase();
    this.#quote = attribute[2] as string;
    this.#place = 'attribute';
    const used = this.#copy(rest, attribute[0].length);
    this.#attributeFrom = this.#out.length;
    return used;
  }

  #untilEndOfAttribute(rest: string): number {
    if (this.#quote === '' && this.#attributeFrom === this.#out.length && /^["']/.test(rest)) {
      this.#quote = rest[0] as string;
      this.#copy(rest, 1);
      this.#attributeFrom = this.#out.length;
      return 1;
    }
    const end = this.#quote === '' ? rest.search(/[\s>]/) : rest.indexOf(this.#quote);
    if (end < 0) return this.#copy(rest, rest.length);
    this.#place = 'tag';
    const used = end + this.#quote.length;
    return used > 0 ? this.#copy(rest, used) : this.#inTag(rest);
  }

  #untilEndOfComment(rest: string): number {
    const end = rest.indexOf('-->');
    if (end < 0) return rest.endsWith('-') && rest.length < 3 ? 0 : Math.max(1, rest.length - 2);
    this.#place = 'text';
    return end + 3;
  }

  #untilEndOfRaw(rest: string): number {
    const close = `</${this.#element}`;
    const end = rest.toLowerCase().indexOf(close);
    if (end < 0) {
      const open = rest.lastIndexOf('<');
      const mayGoOn = open >= 0 && close.startsWith(rest.slice(open).toLowerCase());
      return this.#copy(rest, mayGoOn ? open : rest.length);
    }
    this.#place = 'tag';
    this.#element = '';
    return this.#copy(rest, end + close.length);
  }

  #copy(rest: string, length: number): number {
    this.#out += rest.slice(0, length);
    return length;
  }

  #escaped(value: GoValue): string {
    const text = printed(value);
    const isHtml = value instanceof GoNamed && value.typeName === 'template.HTML';
    switch (this.#place) {
      case 'text':
        return isHtml ? text : escapeAttribute(text);
      case 'attribute':
        return this.#inAttribute(value, isHtml ? text.replace(/<[^>]*>/g, '') : text);
      case 'raw':
        if (this.#element === 'script') return scriptValue(value, text);
        return this.#element === 'style' ? cssValue(text) : escapeAttribute(text);
      default:
        return /^[A-Za-z0-9-]+$/.test(text) && !/^on/i.test(text) ? text : UNSAFE;
    }
  }

  #inAttribute(value: GoValue, text: string): string {
    const name = this.#attribute;
    const before = this.#out.slice(this.#attributeFrom);
    if (name === 'style') return this.#quoted(cssValue(text));
    if (name.startsWith('on')) return this.#quoted(scriptValue(value, text));
    if (URL_ATTRIBUTES.has(name) || name.endsWith(':href')) return this.#quoted(urlValue(text, before));
    return this.#quoted(text);
  }

  /** Without quotes an attribute ends at white space. */
  #quoted(text: string): string {
    if (this.#quote !== '') return escapeAttribute(text);
    if (text === '') return UNSAFE;
    return escapeAttribute(text).replace(/[\s=`]/g, (character) => `&#${character.charCodeAt(0)};`);
  }
}

/** As Go's html/template: the plus sign too, because some readers take text for UTF-7. */
function escapeAttribute(text: string): string {
  return escapeHtml(text).replaceAll('+', '&#43;');
}

function urlValue(text: string, before: string): string {
  if (/[?#]/.test(before)) return lowerHex(queryEscape(text).replaceAll('+', '%20'));
  const scheme = /^([^:/?#]*):/.exec(text)?.[1]?.toLowerCase();
  const isSafe = before !== '' || scheme === undefined || ['http', 'https', 'mailto'].includes(scheme);
  if (!isSafe) return `#${UNSAFE}`;
  return lowerHex(encodeURI(text.toWellFormed()))
    .replace(/%25([\da-fA-F]{2})/g, '%$1')
    .replace(/['()]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

function lowerHex(escaped: string): string {
  return escaped.replace(/%[\dA-F]{2}/g, (code) => code.toLowerCase());
}

function cssValue(text: string): string {
  if (/[\0"'()/;@[\\\]`{}<>]/.test(text) || text.includes('--')) return UNSAFE;
  return /expression|mozbinding/i.test(text.replace(/[^a-z]/gi, '')) ? UNSAFE : text;
}

function scriptValue(value: GoValue, text: string): string {
  // Blanks, so that a minus before it does not become a decrement.
  if (typeof value === 'bigint' || typeof value === 'boolean') return ` ${value} `;
  if (typeof value === 'number' && Number.isFinite(value)) return ` ${value} `;
  if (value === undefined) return ' null ';
  return JSON.stringify(text).replace(/[<>&'\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
