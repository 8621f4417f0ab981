# fish completion for step
function __step_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    if string match -q -- '-*' $cur
        set -a words $cur
    end
    for line in (_CLI_ZSH_AUTOCOMPLETE_HACK=1 $words --generate-bash-completion 2>/dev/null)
        string replace -r '^((?:[^:\\\\]|\\\\.)*):' '$1\t' -- $line
    end
end
complete -c step -a '(__step_complete)'
