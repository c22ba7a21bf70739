# What Debian wants of a package before it is packed: compressed manual pages, a
# changelog of its own, who may copy it, the completions where its zsh looks, and
# a library without debug symbols.
string(TIMESTAMP CPACK_LOWPORT_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(package program:lowport development:liblowport-dev)
	string(REPLACE ":" ";" package ${package})
	list(GET package 0 component)
	list(GET package 1 CPACK_LOWPORT_NAME)
	set(share ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share)
	set(doc ${share}/doc/${CPACK_LOWPORT_NAME})
	configure_file(${CPACK_LOWPORT_COPYRIGHT} ${doc}/copyright COPYONLY)
	configure_file(${CPACK_LOWPORT_CHANGELOG} ${doc}/changelog.Debian @ONLY)
	file(CHMOD ${doc}/copyright ${doc}/changelog.Debian PERMISSIONS
		OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
	if(EXISTS ${share}/zsh/site-functions)
		file(RENAME ${share}/zsh/site-functions
			${share}/zsh/vendor-completions)
	endif()
	file(GLOB compress ${share}/man/man*/* ${doc}/changelog.Debian
		${doc}/CHANGELOG.md)
	foreach(file IN LISTS compress)
		if(file MATCHES "CHANGELOG.md$")
			file(RENAME ${file} ${doc}/changelog)
			set(file ${doc}/changelog)
		endif()
		execute_process(COMMAND gzip -9nf ${file}
			COMMAND_ERROR_IS_FATAL ANY)
	endforeach()
	file(GLOB_RECURSE archives
		${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/lib/*.a)
	foreach(archive IN LISTS archives)
		execute_process(COMMAND strip --strip-debug --enable-deterministic-archives
			${archive} COMMAND_ERROR_IS_FATAL ANY)
	endforeach()
endforeach()
