import type { Completion } from '../command.ts';
import type { CompletedCommand } from './words.ts';

// One `complete` for everything that can stand somewhere, with a condition that says where.

export function fishScript(commands: readonly CompletedCommand[]): string {
  return `# Made by \`tidemark completion fish\`.

# The command, as soon as it stands there whole.
function __tidemark_command
    set -l tokens (commandline -opc)
    test (count $tokens) -ge 2; and echo $tokens[2]
end

# __tidemark_at COMMAND PLACE [on]: whether the word at the cursor is that word of the command, or one after it.
function __tidemark_at
    set -l tokens (commandline -opc)
    test "$tokens[2]" = "$argv[1]"; or return 1
    set -l place 0
    set -l takes 0
    for token in $tokens[3..-1]
        if test $takes -eq 1
            set takes 0
        else if string match -q -- '--*=*' $token
        else if string match -q -- '--*' $token
            contains -- "$argv[1] $token" $__tidemark_value_options; and set takes 1
        else
            set place (math $place + 1)
        end
    end
    test $takes -eq 0; or return 1
    test $place -eq $argv[2]; or begin
        test "$argv[3]" = on; and test $place -gt $argv[2]
    end
end

function __tidemark_metrics
    set -l tokens (commandline -opc)
    set -l server
    for i in (seq (count $tokens))
        if string match -qr -- '^--(url|tenant)=' $tokens[$i]
            set -a server $tokens[$i]
        else if contains -- $tokens[$i] --url --tenant; and test $i -lt (count $tokens)
            set -a server $tokens[$i]=$tokens[(math $i + 1)]
        end
    end
    $tokens[1] __complete metrics $server -- (commandline -ct | string trim -c "'\\"") 2>/dev/null
end

set -g __tidemark_value_options ${commands.flatMap(({ name, options }) => options.filter(({ takesValue }) => takesValue).map((option) => quoted(`${name} --${option.name}`))).join(' ')}

complete -c tidemark -f
complete -c tidemark -n 'test -z "$(__tidemark_command)"' -l help -d 'what there is'
complete -c tidemark -n 'test -z "$(__tidemark_command)"' -l version -d 'which version this is'
complete -c tidemark -n 'test -z "$(__tidemark_command)"' -a help -d 'say more of a command'
complete -c tidemark -n '__tidemark_at help 0' -a ${quoted(commands.map(({ name }) => name).join(' '))}
${commands.map(linesOf).join('\n')}
`;
}

function linesOf({ name, summary, words, options }: CompletedCommand): string {
  const here = `test "$(__tidemark_command)" = ${name}`;
  return [
    `complete -c tidemark -n 'test -z "$(__tidemark_command)"' -a ${name} -d ${quoted(summary)}`,
    ...options.map(({ name: option, takesValue, values }) => {
      // -r: takes a value; -x: and that is no file.
      const value = takesValue ? ` ${values?.kind === 'files' ? '-r' : '-x'}${values ? ` ${source(values)}` : ''}` : '';
      return `complete -c tidemark -n ${quoted(here)} -l ${option}${value}`;
    }),
    ...words.map((word, place) => {
      const at = `__tidemark_at ${name} ${place}${place === words.length - 1 ? ' on' : ''}`;
      return `complete -c tidemark -n ${quoted(at)} ${source(word)}`;
    }),
  ].join('\n');
}

function source(completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return `-a ${quoted(completion.words.join(' '))}`;
    case 'list':
      return `-a ${quoted(`(__fish_complete_list , "printf '%s\\n' ${completion.words.join(' ')}")`)}`;
    case 'files':
      return '-F';
    case 'metrics':
      return "-a '(__tidemark_metrics)'";
  }
}

/** Fish knows no '\\'' but a backslash within quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
