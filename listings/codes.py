"""Codes of this room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inbox.catalogue import Code, Severity, declare

ERROR, WARNING = Severity.ERROR, Severity.WARNING

declare(
    Code(
        "ERR_SKU_CHARACTER", ERROR, _("A SKU code holds a character that is not allowed"),
        cause=_("SKU codes have letters, digits and hyphens only; characters such as & # / break addresses and files."),
        fix=_("Leave the character out, or write a hyphen instead."),
    ),
    Code(
        "ERR_SKU_MISSING", ERROR, _("A SKU code is missing"),
        cause=_("Every SKU has a code of its own, and every listing at least one SKU."), fix=_("Give the SKU a code."),
    ),
    Code(
        "ERR_SKU_LENGTH", ERROR, _("A SKU code is too long"),
        cause=_("The code has more characters than the limit."), fix=_("Use a shorter code."),
    ),
    Code(
        "ERR_SKU_TAKEN", ERROR, _("The SKU code is in use"),
        cause=_("Another SKU of this store has this code, letter case included."),
        fix=_("Use another code, or edit the listing that has it."), page="listings:list",
    ),
    Code(
        "ERR_SKU_UNKNOWN", ERROR, _("No such SKU"),
        cause=_("This store has no SKU of this code; letter case counts."),
        fix=(_("Compare the code with the listing."), _("Import or create the listing first.")), page="listings:list",
    ),
    Code(
        "ERR_SKU_REPEATED", WARNING, _("A SKU is named twice"),
        cause=_("One call or listing names the same SKU more than once; the last row counts."),
        fix=_("Name each SKU once."),
    ),
    Code(
        "ERR_TITLE_MISSING", ERROR, _("The title is empty"),
        cause=_("A listing needs a title; buyers and search go by it."), fix=_("Write a title."),
    ),
    Code(
        "ERR_TEXT_CHARACTER", ERROR, _("A control character in a text"),
        cause=_("The text holds a character that no page can show, often from a damaged file."),
        fix=_("Type the text again, or save the file anew as UTF-8."),
    ),
    Code(
        "ERR_LANGUAGE", ERROR, _("Not a language"),
        cause=_("Titles are kept by language code, such as en or zh."), fix=_("Use a language code of two or three letters."),
    ),
    Code(
        "ERR_CATEGORY_UNKNOWN", ERROR, _("No such category"),
        cause=_("The code is not in the category tree."), fix=_("Use a code of the tree, such as home or apparel."),
    ),
    Code(
        "ERR_CURRENCY_UNKNOWN", ERROR, _("No such currency"),
        cause=_("Amounts carry a currency code of ISO 4217."), fix=_("Write a code such as USD, EUR or CNY."),
    ),
    Code(
        "ERR_CURRENCY_FIXED", ERROR, _("The currency of a SKU does not change"),
        cause=_("Prices, offers and orders of a SKU are in the currency it was made with."),
        fix=_("Make a new SKU for another currency."),
    ),
    Code(
        "ERR_CURRENCY_MIXED", ERROR, _("Two currencies in one listing"),
        cause=_("All SKUs of a listing are priced in one currency."), fix=_("Split the listing, or use one currency."),
    ),
    Code(
        "ERR_IMAGE_ADDRESS", ERROR, _("Not the address of a picture"),
        cause=_("A picture is an http or https address, or a file that was uploaded here."),
        fix=_("Give an address that begins with https://."),
    ),
    Code(
        "ERR_MANAGEMENT", ERROR, _("Who sells cannot be changed like this"),
        cause=_("Goods are self-run or fully managed from the start; fully-managed goods are for companies."),
        fix=_("Make a new listing with the other way of selling."),
    ),
    Code(
        "ERR_FULFILMENT_MODE", ERROR, _("This fulfilment mode does not fit"),
        cause=_("Stock ahead and JIT belong to fully-managed goods."), fix=_("Leave the mode empty for self-run goods."),
    ),
    Code(
        "ERR_QUANTITY", ERROR, _("Not a possible quantity"),
        cause=_("Quantities are whole numbers from zero up to the limit."), fix=_("Write a whole number, such as 120."),
    ),
    Code(
        "ERR_STOCK_STALE", WARNING, _("An older stock figure came late"),
        cause=_("A figure that was counted later is already here."),
        fix=_("Send figures in the order in which they were counted, or count again."),
    ),
    Code(
        "ERR_STOCK_TIME", ERROR, _("Not a possible time of counting"),
        cause=_("The time is not written in UTC, or lies in the future."), fix=_("Write it as 2026-11-27T08:00:00Z."),
    ),
    Code(
        "ERR_ROWS_LIMIT", ERROR, _("Too many rows at once"),
        cause=_("One call, listing or file takes a limited number of rows."), fix=_("Split it into smaller parts."),
    ),
    Code(
        "ERR_LISTING_STATE", ERROR, _("Not possible in this state of the listing"),
        cause=_("Goods are put on sale by editing and taken off by delisting; rules may hold them off sale."),
        fix=_("Open the listing and use what it offers."), page="listings:list",
    ),
    Code(
        "ERR_LISTING_UNKNOWN", ERROR, _("No such listing"),
        cause=_("This store has no listing of this number."), fix=_("Compare the number with the list."),
        page="listings:list",
    ),
    Code(
        "ERR_LISTING_QUOTA", ERROR, _("The store is full"),
        cause=_("Fully-managed products on sale and in review together have a limit per store."),
        fix=_("Delist products that no longer sell."), page="listings:list",
    ),
    Code(
        "ERR_ENTITY_VIEW_ONLY", ERROR, _("A sole trader may only look here"),
        cause=_("Changing listings and prices needs company verification."),
        fix=(_("Apply for company verification."), _("Stock, new listings and delisting are open meanwhile.")),
    ),
    Code(
        "ERR_DELIST_REASON", ERROR, _("No such reason for delisting"),
        cause=_("Delisting takes one of four reasons."), fix=_("Write stock, slow, policy or season."),
    ),
    Code(
        "ERR_DELIST_MODE", ERROR, _("No such way of delisting"),
        cause=_("Goods go off sale at once or gradually."), fix=_("Write now or gradual."),
    ),
    Code(
        "ERR_FILE_MISSING", ERROR, _("The file cannot be opened"),
        cause=_("There is no file of that name, or it may not be read."), fix=_("Check the name and send the file again."),
    ),
    Code(
        "ERR_FILE_EMPTY", ERROR, _("The file is empty"),
        cause=_("There is nothing in the file."), fix=_("Save the table again and send that file."),
    ),
    Code(
        "ERR_FILE_DAMAGED", ERROR, _("The file is damaged"),
        cause=_("A compressed file or a workbook is cut short or broken."), fix=_("Save it again and send the whole file."),
    ),
    Code(
        "ERR_FILE_KIND", ERROR, _("Not a table"),
        cause=_("The file is neither csv nor csv.gz nor xlsx."), fix=_("Save the table as csv (UTF-8) or as xlsx."),
    ),
    Code(
        "ERR_FILE_ENCODING", ERROR, _("The text of the file cannot be read"),
        cause=_("Files are read as UTF-8, GB18030 or ISO-8859-1."), fix=_("Save the file as UTF-8 and send it again."),
    ),
    Code(
        "ERR_FILE_HEADER", ERROR, _("The header row does not fit"),
        cause=_("The first row names the columns, each once; some of them must be there."),
        fix=(_("Put the column names into the first row."), _("Map your columns to our fields.")),
    ),
    Code(
        "ERR_FILE_MAPPING", ERROR, _("A column is mapped to nothing"),
        cause=_("The mapping names a column that the file does not have, or a field that does not exist."),
        fix=_("Write COLUMN=field with a column of the file and one of the fields."),
    ),
    Code(
        "ERR_ROW_COLUMNS", ERROR, _("A row has too many or too few cells"),
        cause=_("The row has another number of cells than the header; often a quote or a delimiter inside a cell."),
        fix=_("Put cells that hold the delimiter in quotes."),
    ),
    Code(
        "ERR_ROW_FORMAT", ERROR, _("A row cannot be read"),
        cause=_("A quote is never closed, or a line is longer than any row may be."),
        fix=_("Look at the lines named in the message and save the file again."),
    ),
    Code(
        "ERR_IMPORT_FAILED", ERROR, _("An import was given up"),
        cause=_("The file could not be imported; what was written before is kept and counted."),
        fix=(_("Open the job and read what it says."), _("Put the file right and import it again: nothing happens twice.")),
        page="listings:job", page_args=("job",),
    ),
)  # fmt: skip
