import type { Completion } from '../command.ts';
import { type CompletedCommand, quoted } from './words.ts';

// One `_arguments` a command: zsh itself knows `--name value`, `--name=value` and what stands where.

export function zshScript(commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  return `#compdef tidemark
# Made by \`tidemark completion zsh\`.

_tidemark_metrics() {
  local -a names server
  local i
  for ((i = 2; i <= $#words; i++)); do
    case $words[i] in
      --url=* | --tenant=*) server+=($words[i]) ;;
      --url | --tenant) server+=("$words[i]=$words[i + 1]") ;;
    esac
  done
  names=(\${(f)"$($_tidemark_program __complete metrics $server -- "\${(Q)PREFIX}" 2> /dev/null)"})
  compadd -a names
}

_tidemark() {
  local _tidemark_program=$words[1] command=$words[2]
  local -a commands
  commands=(
${described.join('\n')}
    'help:say more of a command'
  )
  if ((CURRENT == 2)); then
    _describe command commands
    [[ $PREFIX == -* ]] && compadd -- --help --version
    return
  fi
  shift words
  ((CURRENT--))
  case $command in
${commands.map(argumentsOf).join('\n')}
    help) ((CURRENT == 2)) && _describe command commands ;;
  esac
}

if [[ $funcstack[1] == _tidemark ]]; then
  _tidemark "$@"
else
  compdef _tidemark tidemark
fi
`;
}

function argumentsOf({ name, words, options }: CompletedCommand): string {
  const specs = [
    ...options.map(({ name: option, takesValue, values }) =>
      takesValue ? `--${option}=:${option}:${values ? action(values) : ' '}` : `--${option}`,
    ),
    ...words.map((word, place) => `${place === words.length - 1 ? '*' : place + 1}:${word.kind}:${action(word)}`),
  ];
  return `    ${name}) _arguments -S ${specs.map(quoted).join(' ')} ;;`;
}

function action(completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return `(${completion.words.join(' ')})`;
    case 'list':
      return `_values -s , value ${completion.words.join(' ')}`;
    case 'files':
      return '_files';
    case 'metrics':
      return '_tidemark_metrics';
  }
}
