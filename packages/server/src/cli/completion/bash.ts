import type { Completion } from '../command.ts';
import { type CompletedCommand, quoted } from './words.ts';

// For bash 3.2 and later, without the bash-completion package.
//
//   tidemark query --url=http://127.0.0.1:94|        what the command gets as one word, the script takes as one word;
//                  \_____________________/            readline broke it at = and :, and replaces only what follows the last
//                  `kept` as it is on the line  94    break: candidates are offered without what is `kept`

export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name);
  return `# Made by \`tidemark completion bash\`.

_tidemark_offer() {
  local word
  for word in "$@"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$lead\${word#"$kept"}")
  done
}

# Several words with commas between: those that are not there yet.
_tidemark_offer_list() {
  local done= word
  [[ $cur == *,* ]] && done=\${cur%,*},
  for word in "$@"; do
    [[ ,$done == *,$word,* ]] || _tidemark_offer "$done$word"
  done
}

_tidemark_offer_files() {
  local word
  while IFS= read -r word; do
    _tidemark_offer "$word"
  done < <(compgen -f -- "$cur")
  type compopt > /dev/null 2>&1 && compopt -o filenames 2> /dev/null
}

_tidemark_offer_metrics() {
  local word
  while IFS= read -r word; do
    _tidemark_offer "$word"
  done < <("\${words[0]}" __complete metrics \${server[@]+"\${server[@]}"} -- "$cur" 2> /dev/null)
}

_tidemark_options() {
  case $1 in
${commands.map((command) => `    ${command.name}) options=(${command.options.map(({ name }) => `--${name}`).join(' ')}) ;;`).join('\n')}
  esac
}

_tidemark_takes_value() {
  case "$1 $2" in
    ${optionsWithValue(commands)}) return 0 ;;
  esac
  return 1
}

_tidemark_value() {
  case "$1 $2" in
${commands.flatMap((command) => command.options.flatMap(({ name, values }) => (values ? [`    ${quoted(`${command.name} --${name}`)}) ${offer(values)} ;;`] : []))).join('\n')}
  esac
}

_tidemark_word() {
  case "$1 $2" in
${commands.flatMap((command) => command.words.map((words, place) => `    ${place === command.words.length - 1 ? `'${command.name} '*` : quoted(`${command.name} ${place}`)}) ${offer(words)} ;;`)).join('\n')}
  esac
}

_tidemark() {
  COMPREPLY=()
  local line=\${COMP_LINE:0:COMP_POINT} lead= kept= breaks=\${COMP_WORDBREAKS//[^=:]/}
  local -a words options server
  read -r -a words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local last=$((\${#words[@]} - 1)) command=\${words[1]} takes= place=0 i word
  local cur=\${words[last]}
  # Within a quote readline breaks nowhere, and has the quote itself behind it.
  if [[ $cur == [\\'\\"]* ]]; then
    cur=\${cur:1}
    breaks=
  fi
  if ((last == 1)); then
    _tidemark_offer ${names.join(' ')} help --help --version
    return
  fi
  if [[ $command == help ]]; then
    ((last == 2)) && _tidemark_offer ${names.join(' ')}
    return
  fi
  for ((i = 2; i < last; i++)); do
    word=\${words[i]}
    if [[ -n $takes ]]; then
      [[ $takes == --url || $takes == --tenant ]] && server+=("$takes=$word")
      takes=
    elif [[ $word == --*=* ]]; then
      [[ $word == --url=* || $word == --tenant=* ]] && server+=("$word")
    elif [[ $word == --* ]]; then
      _tidemark_takes_value "$command" "$word" && takes=$word
    else
      place=$((place + 1))
    fi
  done
  if [[ -z $takes && $cur == --*=* ]]; then
    takes=\${cur%%=*}
    cur=\${cur#*=}
    [[ $breaks == *=* ]] || lead=$takes=
  fi
  if [[ -n $breaks ]]; then
    word=\${cur##*[$breaks]}
    kept=\${cur%"$word"}
  fi
  if [[ -n $takes ]]; then
    _tidemark_value "$command" "$takes"
  elif [[ $cur == -* ]]; then
    _tidemark_options "$command"
    _tidemark_offer \${options[@]+"\${options[@]}"}
  else
    _tidemark_word "$command" "$place"
  fi
}

complete -F _tidemark tidemark
`;
}

function offer(completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return `_tidemark_offer ${completion.words.map(quoted).join(' ')}`;
    case 'list':
      return `_tidemark_offer_list ${completion.words.map(quoted).join(' ')}`;
    case 'files':
      return '_tidemark_offer_files';
    case 'metrics':
      return '_tidemark_offer_metrics';
  }
}

function optionsWithValue(commands: readonly CompletedCommand[]): string {
  return commands
    .flatMap(({ name, options }) =>
      options.filter(({ takesValue }) => takesValue).map((option) => quoted(`${name} --${option.name}`)),
    )
    .join(' | ');
}
