# shellcheck shell=bash
# Sourced by bin/fuzz: how a target of Fuzz/Targets becomes an executable. Without SwiftPM, which knows no fuzzers.
#
# Each module is compiled once for what it is made of: its folder is named after the digest of that.

# shellcheck disable=SC2154  # set by bin/common.sh
build=$root/.build-fuzz
yams=$root/.build/checkouts/Yams/Sources

# By module: its folder, once it is built, and which others it imports.
declare -A folders=()
declare -A imports=(
    [FuzzSupport]=""
    [CommandPolicy]=""
    [FaultPoints]=""
    [Yams]=""
    [VastAPI]=""
    [AgentLink]="CommandPolicy"
    [PolicyDocuments]="CommandPolicy Yams"
    [AgentReading]=""
    [Agent]="CommandPolicy AgentLink FaultPoints"
    [GrammarTarget]="FuzzSupport CommandPolicy AgentReading"
    [DecideTarget]="FuzzSupport CommandPolicy PolicyDocuments Yams"
    [JSONTarget]="FuzzSupport VastAPI"
    [LinkTarget]="FuzzSupport AgentLink CommandPolicy"
    [JournalTarget]="FuzzSupport Agent AgentLink CommandPolicy FaultPoints"
)

swift_options=(-parse-as-library -O -wmo -package-name boathook -swift-version 6 -warnings-as-errors)
for feature in ExistentialAny MemberImportVisibility InternalImportsByDefault; do
    swift_options+=(-enable-upcoming-feature "$feature")
done
# libFuzzer's counters. Comparisons are not traced in what is small and runs most: it halves the speed.
# shellcheck disable=SC2054  # the commas are the option's
counted=(-sanitize=fuzzer -sanitize-coverage=edge,inline-8bit-counters,pc-table)
traced=(-sanitize=fuzzer)

digest() { sha256sum | cut -c 1-16; }

# files_of NAME TREE: what a module is made of.
files_of() {
    case $1 in
    Yams) find "$yams/Yams" -name '*.swift' ;;
    FuzzSupport) find "$2/Fuzz/Targets/Support" -name '*.swift' ;;
    *Target) find "$2/Fuzz/Targets/${1%Target}" -name '*.swift' ;;
    # It imports nothing, so it is a module by itself.
    AgentReading) find "$2/Sources/Agent/Reading" -name '*.swift' ;;
    # The journal alone: the rest of the agent needs an engine.
    Agent) find "$2/Sources/Agent/Journal" -name '*.swift' ;;
    *) find "$2/Sources/$1" -name '*.swift' ;;
    esac | LC_ALL=C sort
}

# The shipped policies as SwiftPM embeds them.
embedded_policies() {
    local file
    echo "struct PackageResources {"
    for file in "$1"/Sources/PolicyDocuments/Profiles/*.yaml; do
        echo "    static let $(basename "$file" .yaml)_yaml: [UInt8] = ["
        od -An -v -tu1 -w32 "$file" | sed -E 's/([0-9]+)/\1,/g'
        echo "    ]"
    done
    echo "}"
}

# module NAME TREE: builds it after those that it imports, unless it is there.
module() {
    local name=$1 tree=$2 other files=() options=("${swift_options[@]}")
    [[ -z ${folders[$name]:-} ]] || return 0
    options+=(-Xcc "-fmodule-map-file=$tree/Fuzz/Reference/module.modulemap")
    case $name in
    # Who imports it sees its C module too.
    Agent | JournalTarget) options+=(-Xcc "-fmodule-map-file=$build/cdisk.modulemap") ;;
    esac
    for other in ${imports[$name]}; do
        module "$other" "$tree"
        options+=(-I "${folders[$other]}")
        [[ $other != Yams ]] || options+=(-I "$yams/CYaml/include")
    done
    mapfile -t files < <(files_of "$name" "$tree")
    case $name in
    Yams) options=(-parse-as-library -O -wmo -DSWIFT_PACKAGE -I "$yams/CYaml/include") ;;
    CommandPolicy | FuzzSupport | AgentReading | GrammarTarget) options+=("${counted[@]}") ;;
    PolicyDocuments)
        options+=("${counted[@]}")
        embedded_policies "$tree" >"$build/embedded.swift"
        files+=("$build/embedded.swift")
        ;;
    Agent)
        # The one thing that it has from elsewhere.
        {
            printf 'internal import %s\n' AgentLink Glibc
            sed -n '/^struct SpoolError/,/^}/p' "$tree"/Sources/Agent/Spool/*.swift
        } >"$build/SpoolError.swift"
        files+=("$build/SpoolError.swift")
        # SwiftPM writes such a map too.
        printf 'module CDisk { header "%s" }\n' "$tree/Sources/CDisk/include/cdisk.h" >"$build/cdisk.modulemap"
        options+=("${traced[@]}" -enable-testing)
        ;;
    *) options+=("${traced[@]}") ;;
    esac
    local key
    key=$(printf '%s\n' "$name" "${options[@]//$tree/}" | cat - "${files[@]}" "$tree"/Fuzz/Reference/reference.h | digest)
    local folder=$build/modules/$name-$key
    folders[$name]=$folder
    [[ ! -f $folder/$name.o ]] || return 0
    say "compiling $name"
    mkdir -p "$folder"
    # Warnings of a dependency are not ours.
    swiftc "${options[@]}" -module-name "$name" -emit-module -emit-module-path "$folder/$name.swiftmodule" \
        -c "${files[@]}" -o "$folder/object" >&2
    mv "$folder/object" "$folder/$name.o"
}

# c_objects TREE TARGET: compiles the C beside it, and prints the objects.
c_objects() {
    local tree=$1 sources=() file key folder
    sources=("$tree"/Fuzz/Reference/*.c)
    [[ $2 != Journal ]] || sources+=("$tree"/Sources/CDisk/*.c)
    [[ $2 != Decide ]] || sources+=("$yams"/CYaml/src/*.c)
    for file in "${sources[@]}"; do
        key=$(cat "$file" "$tree/Fuzz/Reference/reference.h" | digest)
        folder=$build/modules/c-$key
        if [[ ! -f $folder/object.o ]]; then
            mkdir -p "$folder"
            # -w: Yams' C is another's.
            clang -std=gnu11 -D_GNU_SOURCE -DYAML_DECLARE_EXPORT -O2 -w -I"$tree/Sources/CDisk/include" \
                -I"$yams/CYaml/include" -c "$file" -o "$folder/half.o" >&2
            mv "$folder/half.o" "$folder/object.o"
        fi
        printf '%s\n' "$folder/object.o"
    done
}

# fuzzer TARGET TREE: builds it, and puts the executable's path into $executable.
fuzzer() {
    local target=$1 tree=$2 name objects=() key
    folders=()
    module "${target}Target" "$tree"
    mapfile -t objects < <(c_objects "$tree" "$target")
    for name in "${!folders[@]}"; do objects+=("${folders[$name]}/$name.o"); done
    key=$(printf '%s\n' "${objects[@]}" | LC_ALL=C sort | digest)
    executable=$build/modules/fuzz-$target-$key
    [[ ! -x $executable ]] || return 0
    say "linking $target"
    # ld.gold finds libFuzzer's sections unusual, and says so for each.
    swiftc -sanitize=fuzzer "${objects[@]}" -lm -o "$executable.half" 2>&1 | grep -v 'warning' >&2 || true
    mv "$executable.half" "$executable"
}
