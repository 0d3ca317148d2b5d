def report_page(results): return ""
