const ENTITIES: Readonly<Record<string, string>> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\uFFFD',
};

/** Go's template.HTMLEscapeString: safe between tags and within quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/["'&<>\0]/g, (character) => ENTITIES[character] as string);
}
