"""lxml from one module: what is called, and how often, counted by hand."""

import io

from lxml import etree

BOUNDARY = "lxml"
NEEDS = "lxml==5.3.0"
CALLS = {
    "lxml.etree:Element": 2,
    "lxml.etree:SubElement": 1,
    "lxml.etree:tostring": 1,
    "lxml.etree:fromstring": 2,
    "lxml.etree:XML": 2,
    "lxml.etree:XMLParser": 1,
    "lxml.etree:Comment": 1,
    "lxml.etree:QName": 1,
    "lxml.etree:iselement": 1,
    "lxml.etree:ElementTree": 1,
    "lxml.etree:xmlfile": 1,
    "lxml.etree:XPath": 1,
    "lxml.etree:XPath.__call__": 1,
    "lxml.etree:XSLT": 1,
    "lxml.etree:XSLT.__call__": 1,
    "lxml.etree:_Element.append": 1,
    "lxml.etree:_Element.get": 2,
    "lxml.etree:_Element.set": 1,
    "lxml.etree:_Element.insert": 1,
    "lxml.etree:_Element.xpath": 1,
    "lxml.etree:_Element.find": 1,
    "lxml.etree:_Element.findall": 1,
    "lxml.etree:_Element.iter": 1,
    "lxml.etree:_Attrib.get": 1,
    "lxml.etree:_ElementTree.getroot": 1,
    "lxml.etree:_ElementTree.write": 1,
    "lxml.etree:_IncrementalFileWriter.element": 1,
    "lxml.etree:_IncrementalFileWriter.write": 1,
}
OPERATORS = {
    "lxml.etree:_Element.__getitem__": 1,
    "lxml.etree:_Element.__delitem__": 1,
    "lxml.etree:_Attrib.__setitem__": 1,
    "lxml.etree:_Attrib.__contains__": 1,
}
MADE_BY_C = 4
"""`list`, `dict`, `len` and `for` ask once each; attributes and `with` are not seen either."""
STYLE = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'


def run() -> None:
    """Call lxml in every way there is."""
    root = etree.Element("root", a="1")
    etree.SubElement(root, "child").text = "x"
    root.append(etree.Element("other"))
    assert etree.tostring(root).startswith(b"<root")
    tree = etree.fromstring("<a><b/><c/></a>")
    for each in tree:
        each.get("k", None)
    tree[0].set("q", "1")
    del tree[0]
    tree.insert(0, etree.Comment("hi"))
    etree.XML("<z/>", parser=etree.XMLParser(remove_blank_text=True))
    etree.XPath("//c")(tree)
    tree.xpath("//c"), tree.find("c"), tree.findall("c"), list(tree.iter())
    tree.attrib.get("x")
    tree.attrib["x"] = "2"
    assert dict(tree.attrib) == {"x": "2"}
    assert len(tree) == 2
    assert "x" in tree.attrib
    try:
        etree.fromstring("<a>")
    except etree.XMLSyntaxError:
        pass
    with etree.xmlfile(io.BytesIO()) as file, file.element("a"):
        file.write("b")
    whole = etree.ElementTree(root)
    whole.getroot()
    whole.write(io.BytesIO())
    etree.QName("a", "b")
    assert etree.iselement(root)
    etree.XSLT(etree.XML(STYLE))(tree)
    assert type(root) is etree._Element


if __name__ == "__main__":
    run()
