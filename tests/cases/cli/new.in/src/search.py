if is_on("search_fallback"):
    ask(old)
