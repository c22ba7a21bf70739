# One page of three files, as C: cmake -DFROM=FOLDER -DTO=FILE.c -P this. The
# style and the script go where @STYLE@ and @SCRIPT@ stand, and their hashes into
# the policy, so that the page runs nothing else.
cmake_minimum_required(VERSION 3.22)

# The base64 of a SHA-256 in hex: 32 bytes, which is ten groups of three and one
# of two.
function(hex_to_base64 out hex)
	set(letters
		ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
	set(text "")
	foreach(at RANGE 0 60 6)
		string(SUBSTRING "${hex}00" ${at} 6 group)
		foreach(shift 18 12 6 0)
			math(EXPR index "(0x${group} >> ${shift}) & 63")
			string(SUBSTRING ${letters} ${index} 1 letter)
			string(APPEND text "${letter}")
		endforeach()
	endforeach()
	string(SUBSTRING "${text}" 0 43 text)
	set(${out} "${text}=" PARENT_SCOPE)
endfunction()

file(READ ${FROM}/page.html page HEX)
foreach(part style:css script:js)
	string(REPLACE ":" ";" part ${part})
	list(GET part 0 name)
	list(GET part 1 suffix)
	file(READ ${FROM}/page.${suffix} text HEX)
	file(SHA256 ${FROM}/page.${suffix} hash)
	hex_to_base64(${name}_hash ${hash})
	string(TOUPPER "@${name}@" mark)
	file(WRITE ${TO}.mark "${mark}")
	file(READ ${TO}.mark mark HEX)
	file(REMOVE ${TO}.mark)
	string(REPLACE "${mark}" "${text}" page "${page}")
endforeach()

string(LENGTH "${page}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," page "${page}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\t\\1\n"
	page "${page}")
file(WRITE ${TO} "/* Made by cmake/embed_page.cmake. */
#include \"control/page.h\"

const char page_html[] = {
${page}0
};
const size_t page_size = ${size};
const char page_policy[] =
	\"default-src 'none'; style-src 'sha256-${style_hash}'; \"
	\"script-src 'sha256-${script_hash}'; connect-src 'self'; \"
	\"img-src data:; base-uri 'none'; form-action 'none'; \"
	\"frame-ancestors 'none'; require-trusted-types-for 'script'; \"
	\"trusted-types 'none'\";
")
