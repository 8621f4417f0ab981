#compdef step
# zsh completion for step
_step() {
    local cur=${words[CURRENT]}
    local -a typed=(${words[1,CURRENT-1]}) found
    [[ $cur == -* ]] && typed+=($cur)
    found=("${(@f)$(_CLI_ZSH_AUTOCOMPLETE_HACK=1 ${typed[@]} --generate-bash-completion 2>/dev/null)}")
    if [[ -n ${found[1]} ]]; then
        _describe 'step' found
    else
        _files
    fi
}
if [[ $funcstack[1] == _step ]]; then
    _step "$@"
else
    compdef _step step
fi
